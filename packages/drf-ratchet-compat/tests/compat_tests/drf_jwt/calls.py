"""The same HTTP calls to whichever package is installed; prints the answers as JSON.

DJANGO_SETTINGS_MODULE=compat_tests.drf_jwt.settings python -m compat_tests.drf_jwt.calls
"""

import base64
import json
import sys
import time
from collections.abc import Iterator
from typing import Any

import django

PASSWORD = "correct horse"
DAY = 86400


def main() -> None:
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    answers = dict(Calls().all())
    json.dump(answers, sys.stdout)


class Calls:
    def __init__(self) -> None:
        from django.contrib.auth.models import User
        from rest_framework.test import APIClient

        self.api = APIClient(raise_request_exception=False)
        self.users = {
            name: User.objects.create_user(name, f"{name}@example.com", PASSWORD)
            for name in ("alice", "bob", "idle", "gone")
        }
        self.users["root"] = User.objects.create_superuser("root", "", PASSWORD)

    def all(self) -> Iterator[tuple[str, Any]]:
        for method in (self.obtaining, self.verifying, self.refreshing, self.asking):
            yield from method()
        yield from self.impersonating()
        yield from self.blacklisting()

    def post(self, url: str, body: Any = None, **extra: Any) -> Any:
        return self.seen(self.api.post(url, body, **extra))

    def seen(self, response: Any) -> Any:
        try:
            body = json.loads(response.content)
        except ValueError:
            body = None  # a page of Django's for a 500
        headers = {
            name: response.get(name) for name in ("WWW-Authenticate", "Allow") if name in response
        }
        if "Allow" in headers:
            headers["Allow"] = sorted(headers["Allow"].split(", "))
        cookies = {
            name: {key: morsel[key] for key in ("path", "secure", "httponly", "samesite", "domain")}
            for name, morsel in response.cookies.items()
        }
        return {
            "status": response.status_code,
            "body": _without_tokens(body),
            "headers": headers,
            "cookies": cookies,
        }

    def sign_in(self, name: str) -> str:
        credentials = {"username": name, "password": PASSWORD}
        answer = self.api.post("/api-token-auth/", credentials)
        token: str = answer.json()["token"]
        return token

    def obtaining(self) -> Iterator[tuple[str, Any]]:
        url, good = "/api-token-auth/", {"username": "alice", "password": PASSWORD}
        yield "obtain", self.post(url, good)
        yield "obtain: form", self.post(url, good, format="multipart")
        yield "obtain: padded name", self.post(url, {**good, "username": " alice "})
        yield "obtain: padded password", self.post(url, {**good, "password": f" {PASSWORD} "})
        yield "obtain: more fields", self.post(url, {**good, "next": "/"})
        for name, body in {
            "nothing": {},
            "no password": {"username": "alice"},
            "no name": {"password": PASSWORD},
            "blank": {"username": "", "password": ""},
            "null": {"username": None, "password": None},
            "a number": {"username": 1, "password": 2},
            "objects": {"username": {}, "password": []},
            "true": {"username": True, "password": True},
            "wrong password": {**good, "password": "wrong"},
            "unknown": {**good, "username": "nobody"},
            "NUL": {**good, "username": "a\0"},
            "a list": [good],
            "a string": "alice",
        }.items():
            yield f"obtain: {name}", self.post(url, body)
        self.users["idle"].is_active = False
        self.users["idle"].save()
        yield "obtain: inactive", self.post(url, {**good, "username": "idle"})
        self.users["idle"].is_active = True
        self.users["idle"].save()
        json_ = "application/json"
        yield "obtain: no JSON", self.post(url, "{", content_type=json_)
        yield "obtain: text", self.post(url, "alice", content_type="text/plain")
        yield "obtain: GET", self.seen(self.api.get(url))
        yield "obtain: PUT", self.seen(self.api.put(url, good))
        bad = {"HTTP_AUTHORIZATION": "Bearer nonsense"}
        yield "obtain: with a bad header", self.post(url, good, **bad)

    def bad_tokens(self) -> Iterator[tuple[str, Any]]:
        """Each made from a sign-in of its own: what is done to one must not touch the next."""
        token = self.sign_in("alice")
        head, body, signature = token.split(".")
        now = int(time.time())
        yield "number", 12
        yield "null", None
        yield "blank", ""
        yield "object", {"a": 1}
        yield "nonsense", "nonsense"
        yield "two dots", ".."
        yield "four parts", f"{token}.x"
        yield "cut off", token[:-10]
        yield "another signature", f"{head}.{body}.{'A' * len(signature)}"
        yield "another body", f"{head}.{_segment({'username': 'root'})}.{signature}"
        unsigned = {"alg": "none", "typ": "JWT"}
        yield "unsigned", f"{_segment(unsigned)}.{body}."
        yield "another algorithm", f"{_segment({'alg': 'HS384', 'typ': 'JWT'})}.{body}.{signature}"
        yield "another key", _real({"username": "alice", "exp": now + 99}, "b" * 40)
        yield "expired", forge(token, iat=now - 900, orig_iat=now - 900, exp=now - 600)
        yield "not valid yet", forge(token, nbf=now + 600)
        yield "for somebody else", forge(token, aud="elsewhere")
        token = self.sign_in("idle")
        self.users["idle"].is_active = False
        self.users["idle"].save()
        yield "inactive", token
        self.users["idle"].is_active = True
        self.users["idle"].save()
        from django.contrib.auth.models import User

        gone = User.objects.create_user("goner", password=PASSWORD)
        token = self.sign_in("goner")
        gone.delete()
        yield "deleted", token

    def verifying(self) -> Iterator[tuple[str, Any]]:
        url = "/api-token-verify/"
        yield "verify", self.post(url, {"token": self.sign_in("alice")})
        yield "verify: nothing", self.post(url, {})
        yield "verify: a list", self.post(url, [1])
        yield "verify: GET", self.seen(self.api.get(url))
        for name, token in self.bad_tokens():
            yield f"verify: {name}", self.post(url, {"token": token})

    def refreshing(self) -> Iterator[tuple[str, Any]]:
        url = "/api-token-refresh/"
        token = self.sign_in("alice")
        yield "refresh", self.post(url, {"token": token})
        yield "refresh: the same again", self.post(url, {"token": token})
        new = self.api.post(url, {"token": token}).json()["token"]
        yield "refresh: the new one", self.post(url, {"token": new})
        yield "refresh: nothing", self.post(url, {})
        yield "refresh: a list", self.post(url, [1])
        for name, bad in self.bad_tokens():
            yield f"refresh: {name}", self.post(url, {"token": bad})
        yield "refresh: no orig_iat", self.post(url, {"token": forge(token, orig_iat=None)})
        ancient = forge(token, orig_iat=int(time.time()) - 8 * DAY)
        yield "refresh: the window is over", self.post(url, {"token": ancient})
        header = {"HTTP_AUTHORIZATION": f"Bearer {token}"}
        yield "refresh: in the header", self.post(url, {}, **header)

    def asking(self) -> Iterator[tuple[str, Any]]:
        def ask(header: str | None) -> Any:
            extra = {} if header is None else {"HTTP_AUTHORIZATION": header}
            return self.seen(self.api.get("/whoami/", **extra))

        token = self.sign_in("alice")
        yield "ask", ask(f"Bearer {token}")
        yield "ask: small letters", ask(f"bearer {token}")
        yield "ask: JWT", ask(f"JWT {token}")
        yield "ask: no header", ask(None)
        yield "ask: empty header", ask("")
        yield "ask: the word alone", ask("Bearer")
        yield "ask: the word and a space", ask("Bearer ")
        yield "ask: three words", ask(f"Bearer {token} {token}")
        yield "ask: two spaces", ask(f"Bearer  {token}")
        yield "ask: no word", ask(token)
        yield "ask: Basic", ask("Basic YTpi")
        yield "ask: letters that are no ASCII", ask("Bearer \u00e4")
        for name, bad in self.bad_tokens():
            if isinstance(bad, str):
                yield f"ask: {name}", ask(f"Bearer {bad}")

    def impersonating(self) -> Iterator[tuple[str, Any]]:
        url, alice = "/api-token-impersonate/", self.users["alice"].pk
        root = {"HTTP_AUTHORIZATION": f"Bearer {self.sign_in('root')}"}
        plain = {"HTTP_AUTHORIZATION": f"Bearer {self.sign_in('bob')}"}
        yield "impersonate", self.post(url, {"user": alice}, **root)
        yield "impersonate: nobody asks", self.post(url, {"user": alice})
        yield "impersonate: no superuser", self.post(url, {"user": alice}, **plain)
        for name, pk in {"no": 999, "blank": "", "text": "x", "null": None, "list": [1]}.items():
            yield f"impersonate: {name} user", self.post(url, {"user": pk}, **root)
        yield "impersonate: nothing", self.post(url, {}, **root)
        self.users["idle"].is_active = False
        self.users["idle"].save()
        idle = self.users["idle"].pk
        yield "impersonate: inactive", self.post(url, {"user": idle}, **root)

    def blacklisting(self) -> Iterator[tuple[str, Any]]:
        url, token, other = "/blacklist/", self.sign_in("bob"), self.sign_in("bob")
        mine = {"HTTP_AUTHORIZATION": f"Bearer {token}"}
        if self.api.post(url, {"token": other}, **mine).status_code == 404:
            return  # the real one does not import on this Django
        others = {"HTTP_AUTHORIZATION": f"Bearer {other}"}
        yield "blacklist: use of another's", self.seen(self.api.get("/whoami/", **others))
        yield "blacklist: nobody asks", self.post(url, {"token": token})
        yield "blacklist: garbage", self.post(url, {"token": "x"}, **mine)
        yield "blacklist", self.post(url, {}, **mine)
        yield "blacklist: use", self.seen(self.api.get("/whoami/", **mine))
        yield "blacklist: verify", self.post("/api-token-verify/", {"token": token})
        yield "blacklist: refresh", self.post("/api-token-refresh/", {"token": token})
        yield "blacklist: again", self.post(url, {}, **mine)


def forge(token: str, **changes: Any) -> str:
    """The same token with other claims, signed as its package signs."""
    head, body, _ = token.split(".")
    claims = {**_read(body), **changes}
    claims = {name: value for name, value in claims.items() if value is not None}
    if _read(head)["typ"] == "JWT":
        from django.conf import settings

        return _real(claims, settings.SECRET_KEY)
    from drf_ratchet.keyring import keyring
    from ratchet_tokens import codec
    from ratchet_tokens.claims import Kind

    return codec.sign(claims, keyring().access.signing, Kind.ACCESS)


def _real(claims: dict[str, Any], key: str) -> str:
    import jwt

    return jwt.encode(claims, key, "HS256")


def _read(segment: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))


def _segment(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


#: What every sign-in has anew.
_NEW = ("iat", "exp", "orig_iat", "jti", "orig_jti")


def _without_tokens(body: Any) -> Any:
    """A token's claims in its place, and moments as how far they are from the token's own."""
    if not isinstance(body, dict):
        return body
    body = dict(body)
    token = body.get("token")
    if isinstance(token, str) and token.count(".") == 2:
        claims = _read(token.split(".")[1])
        issued_at = claims["iat"]
        if "pk" in body:
            body["pk"] -= issued_at
        claims["exp"] -= issued_at
        for name in _NEW:
            if name in claims and name != "exp":
                claims[name] = type(claims[name]).__name__
        body["token"] = claims
    return body


if __name__ == "__main__":
    main()
