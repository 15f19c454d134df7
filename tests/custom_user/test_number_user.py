"""A user model whose name is a number: what a client sends may be none."""

from typing import Any

import pytest
from rest_framework.response import Response
from rest_framework.test import APIClient

from drf_ratchet.models import Session
from tests.fixtures import PASSWORD

pytestmark = pytest.mark.starts

ONLY = ("number",)


def post(api: APIClient, number: object) -> Response:
    answer: Response = api.post("/api/token/", {"number": number, "password": PASSWORD})
    return answer


@pytest.mark.parametrize("form", ["{}", " {} "])
def test_a_number_and_its_text_are_one_name(api: APIClient, alice: Any, form: str) -> None:
    for number in (alice.number, form.format(alice.number)):
        assert post(api, number).status_code == 200


@pytest.mark.parametrize(
    "number",
    [
        *(8, -7, 7.5, "seven", "7.5", "0x7", "1e400", "NaN", "7; DROP TABLE", "\u00b2"),
        *(2**31, 2**63, -(2**63) - 1, "9" * 400, "-" + "9" * 4000),
    ],
    ids=lambda number: str(number)[:20],
)
def test_unknown_number_is_refused(api: APIClient, alice: Any, number: object) -> None:
    answer = post(api, number)
    assert answer.status_code in (400, 401)
    assert not Session.objects.exists()
