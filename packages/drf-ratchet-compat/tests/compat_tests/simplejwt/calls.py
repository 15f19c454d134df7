"""Calls by HTTP to a project on simplejwt, and what their answers say."""

from datetime import timedelta
from typing import Any, NamedTuple

from django.db.models import F
from rest_framework.response import Response
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import RefreshToken

from drf_ratchet.models import Session
from drf_ratchet_compat.simplejwt import binding
from tests.fixtures import PASSWORD


class Pair(NamedTuple):
    """A refresh token and the access token that came with it."""

    refresh: str
    access: str

    @property
    def payload(self) -> dict[str, Any]:
        """The claims of the refresh token, unverified."""
        return dict(RefreshToken(self.refresh, verify=False).payload)

    @property
    def session(self) -> Session:
        """Its session, as it is now."""
        bound = binding.read(self.payload)
        assert bound is not None
        return Session.objects.get(pk=bound.session)


def sign_in(client: APIClient, name: str = "alice") -> Pair:
    answer = client.post("/token/", {"username": name, "password": PASSWORD})
    assert answer.status_code == 200, answer.data
    return Pair(answer.data["refresh"], answer.data["access"])


def refresh(client: APIClient, token: str, path: str = "/token/refresh/", **headers: Any) -> Pair:
    answer = client.post(path, {"refresh": token}, headers=headers)
    assert answer.status_code == 200, answer.data
    return Pair(answer.data["refresh"], answer.data["access"])


def refused(client: APIClient, token: str, path: str = "/token/refresh/") -> bool:
    """Return whether an endpoint responds 401 as simplejwt does to a blacklisted token."""
    answer = client.post(path, {"refresh": token})
    if answer.status_code == 401:
        assert answer.data == {"detail": "Token is blacklisted", "code": "token_not_valid"}
    return bool(answer.status_code == 401)


def signed_in(client: APIClient, access: str) -> bool:
    answer = client.get("/me/", headers={"authorization": f"Bearer {access}"})
    assert answer.status_code in (200, 401)
    return bool(answer.status_code == 200)


def verify(client: APIClient, token: str) -> Response:
    return client.post("/token/verify/", {"token": token})


def past_grace() -> None:
    """Make all last refreshes old."""
    Session.objects.update(rotated_at=F("rotated_at") - timedelta(minutes=1))


def plain_token(user: Any, **claims: Any) -> RefreshToken:
    """A refresh token as simplejwt makes it without the bridge, with its row."""
    from rest_framework_simplejwt.token_blacklist.models import OutstandingToken

    token = RefreshToken()
    token["user_id"] = str(user.pk)
    for name, value in claims.items():
        token[name] = value
    OutstandingToken.objects.create(
        user=user,
        jti=token["jti"],
        token=str(token),
        created_at=token.current_time,
        expires_at=token.current_time + token.lifetime,
    )
    return token
