"""The same HTTP calls to whatever the project runs on; the answers as JSON, tokens left out.

Run inside of a project: ``python calls.py``.
"""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import django

django.setup()

from django.contrib.auth.models import User
from django.core.management import call_command
from rest_framework.test import APIClient

PASSWORD = "a password"
HEADERS = ("WWW-Authenticate", "X-Signed-In", "Content-Type", "Allow", "Retry-After")

CALLS: list[Callable[[], Iterator[Any]]] = []
api = APIClient(raise_request_exception=False)


def calls(function: Callable[[], Iterator[Any]]) -> Callable[[], Iterator[Any]]:
    CALLS.append(function)
    return function


def user(name: str, **fields: Any) -> User:
    return User.objects.create_user(name, f"{name}@example.com", PASSWORD, **fields)


def sign_in(name: str, url: str = "/token/") -> Any:
    return api.post(url, {"username": name, "password": PASSWORD}, format="json")


def pair(name: str) -> dict[str, str]:
    user(name)
    return dict(sign_in(name).json())


def bearer(token: str, scheme: str = "Bearer") -> dict[str, str]:
    return {"HTTP_AUTHORIZATION": f"{scheme} {token}"}


def segment(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def forged(claims: Any, header: Any = None, key: bytes = b"somebody else's") -> str:
    message = f"{segment(header or {'alg': 'HS256', 'typ': 'JWT'})}.{segment(claims)}"
    return f"{message}.{segment(hmac.new(key, message.encode(), hashlib.sha256).digest())}"


@calls
def happy() -> Iterator[Any]:
    user("happy")
    signed_in = sign_in("happy")
    yield "sign in", signed_in
    tokens = signed_in.json()
    yield "call", api.get("/protected/", **bearer(tokens["access"]))
    yield "call, stateless", api.get("/stateless/", **bearer(tokens["access"]))
    yield "verify access", api.post("/token/verify/", {"token": tokens["access"]})
    yield "verify refresh", api.post("/token/verify/", {"token": tokens["refresh"]})
    refreshed = api.post("/token/refresh/", {"refresh": tokens["refresh"]})
    yield "refresh", refreshed
    tokens |= refreshed.json()
    yield "call after", api.get("/protected/", **bearer(tokens["access"]))
    yield "refresh again", api.post("/token/refresh/", {"refresh": tokens["refresh"]})
    form = {"username": "happy", "password": PASSWORD}
    yield "sign in with a form", api.post("/token/", form, format="multipart")
    yield "sign in by the function", sign_in("happy", "/token/function/")


@calls
def claims() -> Iterator[Any]:
    user("claims", is_staff=True)
    signed_in = sign_in("claims", "/token/claims/")
    yield "sign in with claims", signed_in
    yield "call with claims", api.get("/protected/", **bearer(signed_in.json()["access"]))
    refreshed = api.post("/token/refresh/", {"refresh": signed_in.json()["refresh"]})
    again = bearer(refreshed.json()["access"])
    yield "call with claims, refreshed", api.get("/protected/", **again)
    yield "call with claims, stateless", api.get("/stateless/", **again)


@calls
def sliding() -> Iterator[Any]:
    user("sliding")
    signed_in = sign_in("sliding", "/token/sliding/")
    yield "sign in, sliding", signed_in
    token = signed_in.json()["token"]
    yield "call, sliding", api.get("/protected/", **bearer(token))
    refreshed = api.post("/token/sliding/refresh/", {"token": token})
    yield "refresh, sliding", refreshed
    yield "call, sliding, after", api.get("/protected/", **bearer(refreshed.json()["token"]))
    yield "verify, sliding", api.post("/token/verify/", {"token": token})
    yield "refresh as a pair's", api.post("/token/refresh/", {"refresh": token})
    access = pair("not sliding")["access"]
    yield "refresh, an access token", api.post("/token/sliding/refresh/", {"token": access})
    yield "refresh, sliding, nothing", api.post("/token/sliding/refresh/", {})


@calls
def logout() -> Iterator[Any]:
    tokens = pair("logout")
    signed_in = bearer(tokens["access"])
    yield "logout", api.post("/logout/", {"refresh": tokens["refresh"]}, **signed_in)
    yield "refresh after", api.post("/token/refresh/", {"refresh": tokens["refresh"]})
    yield "blacklist after", api.post("/token/blacklist/", {"refresh": tokens["refresh"]})


@calls
def blacklist() -> Iterator[Any]:
    tokens = pair("blacklist")
    yield "blacklist", api.post("/token/blacklist/", {"refresh": tokens["refresh"]})
    yield "refresh blacklisted", api.post("/token/refresh/", {"refresh": tokens["refresh"]})
    yield "verify blacklisted", api.post("/token/verify/", {"token": tokens["refresh"]})
    yield "blacklist access", api.post("/token/blacklist/", {"refresh": tokens["access"]})
    yield "blacklist nothing", api.post("/token/blacklist/", {})


@calls
def everywhere() -> Iterator[Any]:
    user("everywhere")
    first, second = sign_in("everywhere").json(), sign_in("everywhere").json()
    yield "logout everywhere", api.post("/logout/everywhere/", **bearer(first["access"]))
    for number, tokens in enumerate((first, second)):
        refreshed = api.post("/token/refresh/", {"refresh": tokens["refresh"]})
        yield f"refresh after logout everywhere {number}", refreshed


@calls
def bad_sign_ins() -> Iterator[Any]:
    user("known")
    user("inactive", is_active=False)
    for name, body in {
        "nothing": {},
        "no password": {"username": "known"},
        "no name": {"password": PASSWORD},
        "empty": {"username": "", "password": ""},
        "wrong password": {"username": "known", "password": "wrong"},
        "unknown": {"username": "unknown", "password": PASSWORD},
        "inactive": {"username": "inactive", "password": PASSWORD},
        "null": {"username": None, "password": None},
        "objects": {"username": {}, "password": []},
        "NUL": {"username": "kno\0wn", "password": PASSWORD},
        "spaces around": {"username": " known ", "password": f" {PASSWORD} "},
        "a list": ["known", PASSWORD],
    }.items():
        yield f"sign in: {name}", api.post("/token/", body, format="json")
    for name, text in {"not JSON": "{", "a number": "1", "empty": ""}.items():
        answer = api.post("/token/", text, content_type="application/json")
        yield f"sign in, body {name}", answer
    yield "sign in: text", api.post("/token/", "x", content_type="text/plain")
    yield "sign in: GET", api.get("/token/")
    yield "sign in: PUT", api.put("/token/", {})


@calls
def bad_headers() -> Iterator[Any]:
    access = pair("headers")["access"]
    for name, header in {
        "nothing": "",
        "another scheme": f"Basic {access}",
        "lower case": f"bearer {access}",
        "no token": "Bearer",
        "two tokens": f"Bearer {access} {access}",
        "not ASCII": "Bearer töken",
        "one word": "Bearer x",
        "a tampered one": f"Bearer {access[:-4]}AAAA",
        "a cut one": f"Bearer {access.rpartition('.')[0]}",
    }.items():
        yield f"header: {name}", api.get("/protected/", HTTP_AUTHORIZATION=header)
    yield "header: none", api.get("/protected/")
    yield "stateless: none", api.get("/stateless/")
    yield "stateless: bad", api.get("/stateless/", **bearer("x"))


@calls
def bad_tokens() -> Iterator[Any]:
    tokens = pair("tokens")
    now = int(time.time())
    good = {"token_type": "refresh", "exp": now + 600, "iat": now, "jti": "0" * 32, "user_id": "1"}
    refused: dict[str, Any] = {
        "an access token": tokens["access"],
        "tampered": f"{tokens['refresh'][:-4]}AAAA",
        "cut": tokens["refresh"].rpartition(".")[0],
        "text": "text",
        "empty": "",
        "null": None,
        "a number": 1,
        "a list": [],
        "forged": forged(good),
        "alg none": forged(good, {"alg": "none", "typ": "JWT"}),
        "alg HS512": forged(good, {"alg": "HS512", "typ": "JWT"}),
        "no header": forged(good, {}),
        "a list of claims": forged([]),
        "dots": "..",
        "not ASCII": "ä.ö.ü",
        "long": "x" * 20_000,
    }
    for name, token in refused.items():
        answer = api.post("/token/refresh/", {"refresh": token}, format="json")
        yield f"refresh: {name}", answer
        if name in ("forged", "text", "null", "an access token"):
            yield f"verify: {name}", api.post("/token/verify/", {"token": token}, format="json")
            yield f"blacklist: {name}", api.post("/token/blacklist/", {"refresh": token})
    yield "refresh: nothing", api.post("/token/refresh/", {})
    yield "refresh: as a Bearer", api.get("/protected/", **bearer(tokens["refresh"]))
    yield "refresh: GET", api.get("/token/refresh/")


@calls
def users() -> Iterator[Any]:
    tokens = pair("deactivated")
    User.objects.filter(username="deactivated").update(is_active=False)
    yield "call, deactivated", api.get("/protected/", **bearer(tokens["access"]))
    yield "refresh, deactivated", api.post("/token/refresh/", {"refresh": tokens["refresh"]})
    tokens = pair("deleted")
    User.objects.get(username="deleted").delete()
    yield "call, deleted", api.get("/protected/", **bearer(tokens["access"]))
    yield "refresh, deleted", api.post("/token/refresh/", {"refresh": tokens["refresh"]})


@calls
def expired() -> Iterator[Any]:
    """By the package's own classes, as projects' tests do it."""
    from datetime import timedelta

    from django.conf import settings
    from django.utils.module_loading import import_string

    named = settings.INSTALLED_APPS[6]
    refresh_token = import_string(f"{named}.tokens.RefreshToken")
    token = refresh_token.for_user(user("expired"))
    access = token.access_token
    access.set_exp(lifetime=-timedelta(minutes=1))
    yield "call, expired", api.get("/protected/", **bearer(str(access)))
    yield "verify, expired", api.post("/token/verify/", {"token": str(access)})
    token = refresh_token.for_user(user("expired too"))
    token.set_exp(lifetime=-timedelta(minutes=1))
    yield "refresh, expired", api.post("/token/refresh/", {"refresh": str(token)})
    yield "blacklist, expired", api.post("/token/blacklist/", {"refresh": str(token)})


def without_tokens(value: Any) -> Any:
    """The body, with what differs from run to run replaced by what it is."""
    if isinstance(value, dict):
        return {name: without_tokens(item) for name, item in value.items()}
    if isinstance(value, list):
        return [without_tokens(item) for item in value]
    if isinstance(value, str) and value.count(".") == 2 and value.startswith("ey"):
        payload = value.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return {
            "token of": claims["token_type"],
            "lives for": round((claims["exp"] - claims["iat"]) / 10) * 10,
        }
    return value


def shown(answer: Any) -> dict[str, Any]:
    try:
        body = answer.json() if answer.content else None
    except ValueError:
        body = "no JSON"
    headers = {name: answer[name] for name in HEADERS if name in answer}
    return {"status": answer.status_code, "body": without_tokens(body), "headers": headers}


if __name__ == "__main__":
    call_command("flush", interactive=False, verbosity=0)
    answers = {name: shown(answer) for group in CALLS for name, answer in group()}
    print(json.dumps(answers))
