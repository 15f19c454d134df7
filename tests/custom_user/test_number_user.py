"""A user model whose name is a number: what a client sends may be none.

Not collected with the rest: another user model needs another process.
"""

import pytest
from rest_framework.response import Response
from rest_framework.test import APIClient

from drf_ratchet.models import Session
from tests.conftest import PASSWORD, Tokens, payload
from tests.custom_user.models import NumberUser


@pytest.fixture
def seven(db: None) -> NumberUser:
    user = NumberUser(number=7)
    user.set_password(PASSWORD)
    user.save()
    return user


def sign_in(api: APIClient, number: object) -> Response:
    answer: Response = api.post("/api/token/", {"number": number, "password": PASSWORD})
    return answer


@pytest.mark.parametrize("number", [7, "7", " 7 "])
def test_from_sign_in_to_logout(api: APIClient, seven: NumberUser, number: object) -> None:
    tokens = Tokens(**sign_in(api, number).json())
    assert payload(tokens.access)["sub"] == str(seven.pk)

    assert api.get("/api/protected/", **tokens.bearer).status_code == 200
    assert api.post("/api/token/refresh/", {"refresh": tokens.refresh}).status_code == 200
    assert api.post("/api/logout/", {"refresh": tokens.refresh}).status_code == 200
    assert api.get("/api/protected/", **tokens.bearer).status_code == 401


@pytest.mark.parametrize(
    "number",
    [
        *(8, -7, 7.5, "seven", "7.5", "0x7", "1e400", "NaN", "7; DROP TABLE", "\u00b2"),
        *(2**31, 2**63, -(2**63) - 1, "9" * 400, "-" + "9" * 4000),
    ],
    ids=lambda number: str(number)[:20],
)
def test_no_such_number(api: APIClient, seven: NumberUser, number: object) -> None:
    answer = sign_in(api, number)

    assert answer.status_code == 401
    assert answer.json()["code"] == "no_active_account"
    assert not Session.objects.exists()
