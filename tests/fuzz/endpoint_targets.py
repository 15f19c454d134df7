"""The endpoints and the Authorization header under attack, on a site with one user."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import jwt
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from drf_ratchet.authentication import REALM, REALM_INVALID_TOKEN, JWTAuthentication
from drf_ratchet.conf import ratchet_settings
from drf_ratchet.exceptions import TokenNotValid
from drf_ratchet.keyring import keyring
from ratchet_tokens.claims import Kind
from tests.fuzz.site import Site, no_part_of, secrets_in
from tests.fuzz.target import Target
from tests.fuzz.words import LONG_WORDS
from token_tests.forge import forge, header

JSON = b"application/json"
FORM = b"application/x-www-form-urlencoded"
MULTIPART = b"multipart/form-data; boundary=x"
#: The fields of each endpoint, with what an honest client sends.
FIELDS = {
    "token/": {"username": "fuzzed", "password": "@PASSWORD"},
    "token/refresh/": {"refresh": "@REFRESH"},
    "token/verify/": {"token": "@ACCESS"},
    "logout/": {"refresh": "@REFRESH"},
    "logout/all/": {},
    "step-up/": {"refresh": "@REFRESH", "password": "@PASSWORD"},
}


def authorization(site: Site, data: bytes) -> None:
    """Any Authorization header."""
    value = site.filled(data)
    text = value.decode("latin-1")
    parts = value.split()
    schemes = [scheme.lower().encode() for scheme in ratchet_settings().AUTH_HEADER_TYPES]
    ours = parts[:1] != [] and parts[0].lower() in schemes
    request = Request(APIRequestFactory().get("/", HTTP_AUTHORIZATION=text))
    authentication = JWTAuthentication()
    assert authentication.authenticate_header(request) == (REALM_INVALID_TOKEN if ours else REALM)
    try:
        signed_in = authentication.authenticate(request)
    except TokenNotValid as refused:
        body: Any = refused.detail
        assert ours, "another scheme is nobody's mistake"
        assert body.keys() == {"detail", "code", "reason"}
        no_part_of([site.access, text], f"{refused} {json.dumps(body)}", "the answer")
    else:
        assert (signed_in is not None) == ours
        if signed_in is not None:
            assert signed_in[0] == site.user
            jwt.decode(parts[1], keyring().access.signing.jose.raw_value, ["HS256"], leeway=5)
    site.check_log([site.access, text])


def endpoint(path: str, site: Site, data: bytes) -> None:
    """A request of four parts, a line each: content type, Idempotency-Key, Authorization, body."""
    kind, key, bearer, body = (*data.split(b"\n", 3), b"", b"", b"")[:4]
    # RFC 9110 section 5.5: a server lets no NUL into a header. Django, which looks the charset up
    # before any view is asked, counts on it.
    kind, key, bearer = (line.replace(b"\0", b"") for line in (kind, key, bearer))
    post(site, path, *map(site.filled, (body, kind, key, bearer)))


def post(
    site: Site, path: str, body: bytes, kind: bytes = JSON, key: bytes = b"", bearer: bytes = b""
) -> None:
    """Send it, look at the answer, and undo what it did."""
    headers = {"HTTP_IDEMPOTENCY_KEY": key, "HTTP_AUTHORIZATION": bearer}
    try:
        response = site.client.generic(
            "POST",
            f"/api/{path}",
            body,
            content_type=kind.decode("latin-1"),
            **{name: value.decode("latin-1") for name, value in headers.items() if value},
        )
        sent = [bearer.decode("latin-1"), *secrets_in(body)]
        site.check(response, sent)
    finally:
        site.restore()


def signed_claims(site: Site, data: bytes) -> None:
    """Any payload, signed as ours, wherever a token is taken."""
    said = site.filled(data)
    access, refresh = (
        forge(keys.signing, said, header(keys.signing, kind))
        for kind, keys in ((Kind.ACCESS, keyring().access), (Kind.REFRESH, keyring().refresh))
    )
    for path, token in (
        ("token/verify/", access),
        ("token/verify/", refresh),
        ("token/refresh/", refresh),
        ("logout/", refresh),
    ):
        post(site, path, json.dumps({"token": token, "refresh": token}).encode())
    post(site, "logout/all/", b"{}", bearer=f"Bearer {access}".encode())


def _requests(path: str) -> list[bytes]:
    """What honest clients send, as JSON and as both kinds of form."""
    said = json.dumps(FIELDS[path]).encode()
    form = "&".join("=".join(pair) for pair in FIELDS[path].items()).encode()
    parts = b"".join(
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in FIELDS[path].items()
    )
    honest = [(JSON, said), (FORM, form), (MULTIPART, parts + b"--x--\r\n")]
    nested = [(JSON, b'{"refresh": %s}' % word) for word in LONG_WORDS]
    return [
        b"\n".join((kind, b"a-key", b"Bearer @ACCESS", body)) for kind, body in (*honest, *nested)
    ]


_CLAIMS = [
    json.dumps(common | own).replace('"@NOW"', "@NOW").replace('"@LATER"', "@LATER").encode()
    for common in [
        {"sub": "@USER", "sid": "@SESSION", "iat": "@NOW", "exp": "@LATER", "auth_time": "@NOW"}
    ]
    for own in [{"token_type": "access", "jti": "x"}, {"token_type": "refresh", "gen": 1}]
]


def endpoint_targets(site: Site) -> list[Target]:
    """Those that need the site."""
    headers = [b"Bearer @ACCESS", b"Bearer @REFRESH", b"Basic eDp4", b"bearer a b", b"Bearer"]
    named: list[tuple[str, Callable[[Site, bytes], None], list[bytes], Any]] = [
        ("authorization", authorization, headers, "authorization"),
        ("signed-claims", signed_claims, _CLAIMS, "claims"),
        *(
            (path.strip("/").replace("/", "-"), partial(endpoint, path), _requests(path), "request")
            for path in FIELDS
        ),
    ]
    return [
        Target(name, partial(attack, site), seeds, shape) for name, attack, seeds, shape in named
    ]
