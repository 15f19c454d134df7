"""Clients of allauth's headless API, as an app and as a page in a browser are written."""

import json
import re
from typing import Any, ClassVar
from urllib.parse import unquote

import pyotp
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.core import mail
from django.test import Client

from drf_ratchet.models import Session
from tests.fixtures import PASSWORD, payload

#: What a browser says of a page of the site itself.
OWN_PAGE = {"HTTP_SEC_FETCH_SITE": "same-origin"}
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
NEW_PASSWORD = "another-ratchet-2"


class Headless:
    """One of the two clients."""

    kind: ClassVar[str]

    def __init__(self) -> None:
        self.http = Client(enforce_csrf_checks=True)
        self.answer: Any = None

    def headers(self) -> dict[str, Any]:
        raise NotImplementedError

    def send(self, method: str, path: str, body: Any = None, **headers: Any) -> Any:
        """Send JSON to one of allauth's endpoints; return the body of the response."""
        self.answer = self.http.generic(
            method,
            f"/_allauth/{self.kind}/v1/{path}",
            b"" if body is None else json.dumps(body),
            content_type="application/json",
            **{**self.headers(), **headers},
        )
        return self.answer.json()

    def get(self, path: str, **headers: Any) -> Any:
        return self.send("GET", path, **headers)

    def post(self, path: str, **body: Any) -> Any:
        return self.send("POST", path, body)

    def password(self, password: str = PASSWORD) -> Any:
        """Log in by password."""
        return self.post("auth/login", username="alice", password=password)

    def totp(self) -> Any:
        return self.post("auth/2fa/authenticate", code=pyotp.TOTP(SECRET).now())


class App(Headless):
    """An app: it keeps what comes in ``meta``."""

    kind = "app"

    def __init__(self) -> None:
        super().__init__()
        self.session_token = ""
        self.tokens: dict[str, Any] = {}

    def headers(self) -> dict[str, Any]:
        return {"HTTP_X_SESSION_TOKEN": self.session_token} if self.session_token else {}

    def send(self, method: str, path: str, body: Any = None, **headers: Any) -> Any:
        said = super().send(method, path, body, **headers)
        meta = said.get("meta") or {}
        self.session_token = meta.get("session_token", self.session_token)
        if "access_token" in meta:
            self.tokens = {name: meta[name] for name in ("access_token", "refresh_token")}
        return said

    @property
    def claims(self) -> dict[str, Any]:
        return payload(self.tokens["access_token"])

    @property
    def session(self) -> Session:
        return Session.objects.get(pk=self.claims["sid"])

    def ours(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request to one of our endpoints, with the access token."""
        return self.http.generic(
            method,
            f"/api/{path}",
            b"" if body is None else json.dumps(body),
            content_type="application/json",
            HTTP_AUTHORIZATION=f"Bearer {self.tokens['access_token']}",
        )

    def refresh(self) -> Any:
        """Refresh at our endpoint, and keep the new pair."""
        answer = self.ours("POST", "token/refresh/", {"refresh": self.tokens["refresh_token"]})
        if answer.status_code == 200:
            new = answer.json()
            self.tokens = {"access_token": new["access"], "refresh_token": new["refresh"]}
        return answer

    def is_in_ours(self) -> bool:
        """Return whether the access token is valid at our endpoints."""
        return bool(self.ours("GET", "sessions/").status_code == 200)

    def is_in_allauth(self) -> bool:
        """Return whether the session token is signed in at allauth's endpoints."""
        self.get("auth/session")
        return bool(self.answer.status_code == 200)


class Browser(Headless):
    """A page: cookies, and Django's CSRF token in a header."""

    kind = "browser"

    def __init__(self) -> None:
        super().__init__()
        self.get("config")  # sets the CSRF cookie

    def headers(self) -> dict[str, Any]:
        cookie = self.http.cookies.get("csrftoken")
        return {**OWN_PAGE, **({"HTTP_X_CSRFTOKEN": cookie.value} if cookie else {})}

    def exchange(self, **headers: Any) -> Any:
        """Exchange the Django session for our cookies."""
        return self.http.post(
            "/api/browser/session/exchange/",
            content_type="application/json",
            **{**self.headers(), **headers},
        )

    def ours(self) -> Any:
        """Who is signed in by our cookies."""
        return self.http.get("/api/browser/session/").json()["user"]


def mailed() -> str:
    """Return the text of the last mail."""
    return str(mail.outbox[-1].body)


def mailed_code() -> str:
    """Return the code in the last mail."""
    found = re.search(r"^\s*([A-Z0-9]{3,4}-?[A-Z0-9]{3,4})\s*$", mailed(), re.MULTILINE)
    assert found, mailed()
    return found[1]


def mailed_key(path: str) -> str:
    """Return the key in the link of the last mail."""
    found = re.search(rf"/{path}/([^\s/]+)", mailed())
    assert found, mailed()
    return unquote(found[1])


def add_totp(user: Any) -> Authenticator:
    """Give a user an authenticator app."""
    return TOTP.activate(user, SECRET).instance


def add_recovery_codes(user: Any) -> list[str]:
    """Give a user recovery codes, and return them."""
    return list(RecoveryCodes.activate(user).get_unused_codes())
