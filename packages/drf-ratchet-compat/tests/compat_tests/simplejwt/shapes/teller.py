"""What one project does with its tokens: the part of the story that a shape may change."""

import json
from pathlib import Path
from typing import Any, NamedTuple

from django.conf import settings
from django.contrib.auth import get_user_model
from rest_framework.response import Response
from rest_framework.test import APIClient
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import RefreshToken

PASSWORD = "a password of 2026"


class Tokens(NamedTuple):
    """A refresh token and the access token that came with it."""

    refresh: str
    access: str


class Teller:
    """A project as ``project/`` has it. A shape's ``own.py`` may have a subclass, ``Own``."""

    #: The class that the project reads refresh tokens with.
    refresh_class: Any = RefreshToken
    #: Whether simplejwt has its blacklist app: without it, plain simplejwt revokes nothing.
    lists = True
    #: The apps of the shape that have models.
    models: tuple[str, ...] = ()
    #: The path of a view with simplejwt's verify serializer.
    verify_path = "/token/verify/"
    #: A view that refuses a request without a valid access token.
    protected_path = "/protected/"

    def __init__(self) -> None:
        self.client = APIClient()
        file = Path("kept.json")
        #: What one stage leaves for the next, by name.
        self.kept: dict[str, list[Tokens]] = {
            name: [Tokens(*one) for one in found]
            for name, found in (json.loads(file.read_text()) if file.exists() else {}).items()
        }

    def leave(self) -> None:
        """Write down what is kept."""
        Path("kept.json").write_text(json.dumps(self.kept))

    @property
    def has_the_line(self) -> bool:
        """Whether the bridge is installed."""
        return "drf_ratchet_compat.simplejwt" in settings.INSTALLED_APPS

    def user(self, name: str) -> Any:
        """Make a user."""
        users: Any = get_user_model()._default_manager
        return users.create_user(name, password=PASSWORD)

    def credentials(self, name: str) -> dict[str, str]:
        """Return what a user signs in with."""
        return {"username": name, "password": PASSWORD}

    def sign_in(self, name: str) -> Tokens:
        """Sign a new user in."""
        self.user(name)
        answer = self.post("/token/", self.credentials(name))
        assert answer.status_code == 200, answer.data
        return Tokens(answer.data["refresh"], answer.data["access"])

    def expired(self, name: str) -> Tokens:
        """Return tokens of a new user that have expired."""
        token = self.refresh_class.for_user(self.user(name))
        access = token.access_token
        for one in (token, access):
            one.set_exp(from_time=one.current_time - one.lifetime * 2)
        return Tokens(str(token), str(access))

    def post(self, path: str, data: dict[str, Any], *, access: str = "") -> Response:
        """Send a request, as a client does that may have an access token."""
        headers = {"authorization": f"Bearer {access}"} if access else {}
        answer: Any = self.client.post(path, data, headers=headers)
        return answer

    def ask_to_refresh(self, token: str) -> Response:
        """Send a refresh token to the endpoint."""
        return self.post("/token/refresh/", {"refresh": token})

    def refresh(self, tokens: Tokens) -> Tokens:
        """Refresh, which must succeed."""
        answer = self.ask_to_refresh(tokens.refresh)
        assert answer.status_code == 200, (answer.status_code, answer.data)
        return Tokens(answer.data["refresh"], answer.data["access"])

    def refuses(self, tokens: Tokens) -> bool:
        """Return whether the endpoint refuses the refresh token."""
        answer = self.ask_to_refresh(tokens.refresh)
        assert answer.status_code in (200, 401), (answer.status_code, answer.data)
        return answer.status_code == 401

    def log_out(self, tokens: Tokens, path: str) -> int:
        """Log out; return the status."""
        return self.post(path, {"refresh": tokens.refresh}, access=tokens.access).status_code

    def signed_in(self, tokens: Tokens) -> bool:
        """Return whether a protected view lets the access token in."""
        headers = {"authorization": f"Bearer {tokens.access}"}
        answer: Any = self.client.get(self.protected_path, headers=headers)
        assert answer.status_code in (200, 401), (answer.status_code, answer.content)
        return bool(answer.status_code == 200)

    def verifies(self, token: str) -> bool:
        """Return whether the endpoint finds a token valid."""
        answer = self.post(self.verify_path, {"token": token})
        assert answer.status_code in (200, 400, 401), answer.data
        return answer.status_code == 200

    def by_hand(self, token: str) -> bool:
        """Return whether the project's class takes a refresh token."""
        try:
            self.refresh_class(token)
        except TokenError:
            return False
        return True

    def same(self, one: Tokens, other: Tokens) -> bool:
        """Return whether two refresh tokens are the same generation of the same session."""
        return bool(self.claims(one)["jti"] == self.claims(other)["jti"])

    def claims(self, tokens: Tokens) -> dict[str, Any]:
        """Return the claims of a refresh token."""
        return dict(self.refresh_class(tokens.refresh, verify=False).payload)

    # What a shape adds to the stages.

    def before(self) -> None:
        """Do more on plain simplejwt, before the line."""

    def inside(self) -> None:
        """Do more when the counter decides."""

    def draining(self) -> None:
        """Do more on the way back."""

    def outside(self) -> None:
        """Do more on plain simplejwt, after the line."""

    def again(self) -> None:
        """Do more when the line is back."""
