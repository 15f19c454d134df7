"""What no honest client sends: each is refused in the contract's shape, and none is a 500."""

import json
from typing import Any
from urllib.parse import urlencode

from drf_ratchet.testing.tokens import refused_token
from ratchet_tokens.errors import Reason
from tests.projects.world import Device, World, failing, step

#: What each endpoint takes.
BODIES: dict[str, dict[str, str]] = {
    "token/": {"password": "x"},
    "token/refresh/": {"refresh": "x.y.z"},
    "token/verify/": {"token": "x.y.z"},
    "logout/": {"refresh": "x.y.z"},
    "step-up/": {"refresh": "x.y.z", "password": "x"},
}
NO_OBJECTS: dict[str, bytes] = {
    "nothing": b"",
    "no JSON": b"{refresh",
    "a list": b"[]",
    "a list of an object": b'[{"refresh": "x"}]',
    "a string": b'"refresh"',
    "a number": b"12",
    "true": b"true",
    "null": b"null",
    "NaN": b"NaN",
    "deep": b"[" * 20_000 + b"]" * 20_000,
    "a huge number": b'{"refresh": ' + b"9" * 5000 + b"}",
    "not UTF-8": b'{"refresh": "\xff"}',
    "UTF-16": '{"refresh": "x"}'.encode("utf-16"),
}
NO_STRINGS: dict[str, Any] = {
    "null": None,
    "true": True,
    "a list": ["x"],
    "an object": {"x": 1},
    "empty": "",
    "NUL": "\0",
    "half a surrogate pair": "\ud800",
}
STRINGS: dict[str, Any] = {
    "a number": 7,
    "a long one": "x" * 5000,
    "a longer one": "x" * 200_000,
    "one that unfolds": "\ufdfa" * 1000,
    "three dots": "...",
    "two dots": "..",
    "not base64": "a.ü.b",
    "of another kind": "eyJhbGciOiJub25lIn0.e30.",
    "with a NUL": "a.\0.b",
    "of lines": "a.\r\nX: 1.b",
}
TYPES = (
    "text/plain",
    "application/xml",
    "multipart/form-data",
    "multipart/form-data; boundary=",
    "application/json; charset=none",
    "application/x-www-form-urlencoded; charset=utf-16",
    "",
    "\t",
    "a/b/c",
)


@step
def malformed_bodies(world: World) -> None:
    for path in BODIES:
        for what, content in world.share(NO_OBJECTS.items()):
            with failing(f"{what} to {path}"):
                device = _asking(world, path)
                answer = device.ask("POST", path, content=content, Content_Type="application/json")
                expected = (400, 401) if path == "logout/" else (400,)
                answer.demand(answer.status in expected, f"expected {expected}")
                answer.demand(isinstance(answer.said, dict), "an object says what is wrong")
        for kind in world.share(TYPES):
            with failing(f"{kind!r} to {path}"):
                device = _asking(world, path)
                answer = device.ask("POST", path, content=b"x=1", Content_Type=kind)
                answer.demand(answer.status in (400, 401, 415), "expected 400, 401 or 415")
        with failing(f"3 MB to {path}"):
            field = next(iter(_full(world, path)))
            body = {**_full(world, path), field: "x" * 3_000_000}
            answer = _asking(world, path).post(path, body)
            answer.refused(413, "body_too_large")


@step
def malformed_fields(world: World) -> None:
    for path in BODIES:
        for field in _full(world, path):
            for what, value in world.share(NO_STRINGS.items()):
                with failing(f"{what} as {field} to {path}"):
                    _asking(world, path).post(path, {**_full(world, path), field: value}).field(
                        field
                    )
            for what, value in world.share(STRINGS.items()):
                with failing(f"{what} as {field} to {path}"):
                    answer = _asking(world, path).post(path, {**_full(world, path), field: value})
                    # 200,000 characters are more than a body may have.
                    answer.demand(answer.status in (400, 401, 413), "expected 400, 401 or 413")
                    answer.demand(isinstance(answer.said, dict), "an object says what is wrong")
                    answer.demand(len(answer.response.content) < 2000, "it sends nothing back")


@step
def missing_fields(world: World) -> None:
    device = world.device(world.user())
    for path in ("token/", "token/refresh/", "token/verify/", "step-up/"):
        device.post(path, {}).field(*_full(world, path))
        device.ask("POST", path).field(*_full(world, path))
    device.post("logout/", {}, token=None).refused(401)


@step
def forms(world: World) -> None:
    """A form is as good as JSON."""
    device = world.device()
    device.user = world.user()
    kind = "application/x-www-form-urlencoded"
    content = urlencode(device.credentials).encode()
    device.keep(device.ask("POST", "token/", content=content, Content_Type=kind).ok())
    content = urlencode({"refresh": device.refresh}).encode()
    device.keep(device.ask("POST", "token/refresh/", content=content, Content_Type=kind).ok())
    head = '--a boundary in no token\r\nContent-Disposition: form-data; name="refresh"\r\n\r\n'
    lines = f"{head}{device.refresh}\r\n--a boundary in no token--\r\n"
    kind = 'multipart/form-data; boundary="a boundary in no token"'
    answer = device.ask("POST", "token/refresh/", content=lines.encode(), Content_Type=kind)
    device.keep(answer.ok())


@step
def bad_tokens(world: World) -> None:
    """Each kind is refused with its reason, wherever it is sent."""
    user, stranger = world.user(), world.device()
    for reason in Reason:
        if reason is Reason.SESSION_ENDED:
            continue  # told elsewhere, by freshness
        with world.orm():
            try:
                token = refused_token(user, reason)
            except ValueError:
                continue  # no token of this project is refused for that
        with failing(reason):
            answer = stranger.get("protected/", token=token)
            answer.refused(401, "token_not_valid", reason)
            if answer.status == 401:
                challenge = answer.response.headers["WWW-Authenticate"]
                answer.demand('error="invalid_token"' in challenge, "RFC 6750")
            stranger.get("open/", token=token).refused(401, "token_not_valid", reason)
            for path in ("sessions/", "notes/"):
                stranger.get(path, token=token).refused(401, "token_not_valid", reason)
            stranger.post("logout/all/", token=token).refused(401, "token_not_valid", reason)
            if reason is not Reason.WRONG_TYPE:
                body = {"token": token}
                stranger.post("token/verify/", body).refused(401, "token_not_valid", reason)
    device = world.device(user)
    for path, field in (("token/refresh/", "refresh"), ("token/verify/", "token")):
        for what, (token, reason) in _bad_refresh_tokens(device).items():
            if (path, what) == ("token/verify/", "an access token"):
                continue  # it takes either
            with failing(f"{what} to {path}"):
                device.post(path, {field: token}).refused(401, "token_not_valid", reason)
    device.get("protected/").ok()


@step
def bad_headers(world: World) -> None:
    device = world.device(world.user())
    for value, reason in (
        ("Bearer", "malformed"),
        ("Bearer ", "malformed"),
        (f"Bearer {device.access} {device.access}", "malformed"),
        ("Bearer x", "malformed"),
        ("bearer " + "x" * 20_000, "malformed"),
        (b"Bearer \xff\xfe", "malformed"),
        ("BEARER a.b.c", "malformed"),
    ):
        with failing(repr(value)[:60]):
            answer = device.get("protected/", token=None, Authorization=value)
            answer.refused(401, "token_not_valid", reason)
    for value in ("Token x", "Bearerx", b"\xff", "Digest username=x"):
        with failing(repr(value)):
            answer = device.get("protected/", token=None, Authorization=value)
            answer.demand(answer.status == world.shape.anonymous, "another scheme is none of ours")
    for key in ("", " ", "x" * 129, "a b", b"\xc3\xa4", "\x7f"):
        with failing(f"the key {key!r}"):
            answer = device.post(
                "token/refresh/", {"refresh": device.refresh}, **{"Idempotency-Key": key}
            )
            answer.refused(400, "bad_idempotency_key")
    for name, value in (
        ("Accept", "application/xml"),
        ("Accept", "x"),
        ("Accept-Language", "x" * 2000),
        ("Accept-Language", "ar;q=0.5,*"),
        ("User-Agent", "\t\x01 " * 500),
        ("X-Forwarded-For", "unknown, [::1]:80, 1.2.3.4:5"),
        ("X-Forwarded-For", "x" * 5000),
        ("Origin", "null"),
        ("Cookie", "a=b; =; ;;; \x01"),
        ("Content-Type", "application/json; charset=\x01"),
    ):
        with failing(f"{name}: {value!r}"[:80]):
            body = {**device.credentials}
            answer = device.post("token/", body, **{name: value})
            answer.demand(answer.status in (200, 400, 406, 415), "no more than a refusal")
            answer = device.get("protected/", **{name: value})
            answer.demand(answer.status in (200, 406), "no more than a refusal")


def _asking(world: World, path: str) -> Device:
    """Return a client at an address of its own: a network may be refused so often only."""
    # So may a session be, for a step up.
    return world.device(world.user() if path == "step-up/" else None)


def _full(world: World, path: str) -> dict[str, Any]:
    if path not in ("token/", "step-up/"):
        return BODIES[path]
    device = world.device()
    device.user = world.bystander
    if path == "step-up/":
        return {**dict.fromkeys(device.proof, "x"), **BODIES[path]}
    name = next(iter(device.credentials))
    return {**dict.fromkeys(device.credentials, "x"), name: device.user.get_username()}


def _bad_refresh_tokens(device: Device) -> dict[str, tuple[str, str]]:
    head, body, signature = device.refresh.split(".")
    return {
        "an access token": (device.access, "wrong_type"),
        "two thirds of one": (f"{head}.{body}", "malformed"),
        "another signature": (f"{head}.{body}.{signature[::-1]}", "bad_signature"),
        "no signature": (f"{head}.{body}.", "bad_signature"),
        "nothing of one": ("..", "malformed"),
        "four parts": (f"{device.refresh}.x", "malformed"),
        "a body of another's": (f"{head}.{json_b64({'sub': 'x'})}.{signature}", "bad_signature"),
    }


def json_b64(value: Any) -> str:
    from base64 import urlsafe_b64encode

    return urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
