"""The codec under attack: it answers with claims or with a reason, and PyJWT agrees to the claims.

Most inputs are signed with the real key, so that the attack gets beyond the signature.
"""

import json
from contextlib import suppress
from typing import Any

import jwt
from joserfc import jwk

from ratchet_tokens import codec
from ratchet_tokens.claims import Claims, Kind, RefreshClaims, session_id
from ratchet_tokens.errors import Reason, TokenRefused
from ratchet_tokens.keys import Key, KeySet
from tests.fuzz.target import Target
from tests.fuzz.words import LONG_WORDS
from token_tests.forge import claims, forge, header, mutable_copy, signed

KEY = Key.derive("the secret", "access")
SECRET: bytes = KEY.jose.raw_value
#: RFC 7515 appendix A.3: the same in every run, so that an input that was saved stays good.
EC_JWK = {
    "kty": "EC",
    "crv": "P-256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    "d": "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI",
}
EC_KEY = Key(jwk.ECKey.import_key(EC_JWK), "ES256")
KEYS = KeySet(KEY, [EC_KEY])
ISSUERS = (None, "us", "blog")
AUDIENCES: tuple[tuple[str, ...], ...] = ((), ("us",), ("blog", "us"))
WEEK = 7 * 24 * 3600


def lasting(kind: Kind, **changes: Any) -> dict[str, Any]:
    """The claims of a token that is good for longer than a night of fuzzing."""
    made = claims(kind)
    return {**made, "exp": made["exp"] + WEEK, **changes}


def verified(
    token: str, kind: Kind, issuer: str | None = None, audience: tuple[str, ...] = ()
) -> Claims | None:
    """What `codec.verify` says, None for a refusal; whatever it accepts, PyJWT must accept too."""
    try:
        read = codec.verify(token, KEYS, kind, issuer=issuer, audience=audience)
    except TokenRefused as refused:
        _check_reason(refused)
        return None
    assert isinstance(read, Claims)
    agree(token, read, kind, issuer, audience)
    return read


def _check_reason(refused: TokenRefused) -> None:
    assert isinstance(refused.reason, Reason)
    assert str(refused) == refused.reason.value, "a refusal says its reason and nothing else"


def agree(
    token: str, read: Claims, kind: Kind, issuer: str | None, audience: tuple[str, ...]
) -> None:
    """PyJWT accepts the token as well, and reads the same."""
    ec = jwt.get_unverified_header(token)["kid"] == EC_KEY.kid
    access = kind is Kind.ACCESS  # a refresh token is for us alone: neither is looked at
    try:
        theirs = jwt.decode(
            token,
            jwt.PyJWK.from_dict(EC_JWK).key if ec else SECRET,
            algorithms=["ES256" if ec else "HS256"],
            issuer=issuer if access else None,
            audience=(audience or None) if access else None,
            leeway=codec.ISSUED_AHEAD,
            options={"require": ["exp", "iat", "sub"], "verify_aud": access},
        )
    except RecursionError:
        return  # how deep PyJWT may parse depends on how deep the stack is already
    assert mutable_copy(read) == theirs, "PyJWT reads something else"


def any_kind(token: str) -> None:
    """Each look at a token ends in an answer or in a refusal."""
    with suppress(TokenRefused):
        assert isinstance(codec.kind_of(token), Kind)
    verified(token, Kind.ACCESS)
    read = verified(token, Kind.REFRESH)
    try:
        loose = codec.verify(token, KEYS, Kind.REFRESH, check_times=False)
    except TokenRefused:
        assert read is None, "what is good now is good without a look at the clock"
        return
    for take in (RefreshClaims.read, session_id):
        with suppress(TokenRefused):
            take(loose)


def hostile_token(data: bytes) -> None:
    """Any text, as a token."""
    any_kind(data.decode("utf-8", "surrogateescape"))


def hostile_header(data: bytes) -> None:
    """Any header, over good claims and rightly signed."""
    any_kind(forge(KEY, lasting(Kind.ACCESS), data))


def hostile_payload(data: bytes) -> None:
    """Any payload, under good headers and rightly signed."""
    for kind in Kind:
        any_kind(forge(KEY, data, header(KEY, kind)))


def hostile_segments(data: bytes) -> None:
    """Any text instead of header and payload, rightly signed."""
    any_kind(signed(SECRET, data.decode("latin-1")))


def against_pyjwt(data: bytes) -> None:
    """Two bytes for the issuer and the audience that are asked for; the rest is the payload."""
    choice = [*data[:2], 0, 0]
    issuer = ISSUERS[choice[0] % len(ISSUERS)]
    audience = AUDIENCES[choice[1] % len(AUDIENCES)]
    verified(forge(KEY, data[2:], header(KEY)), Kind.ACCESS, issuer, audience)


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


_TOKENS = [
    codec.sign(lasting(kind, role="user"), key, kind).encode()
    for kind in Kind
    for key in (KEY, EC_KEY)
]
_PAYLOADS = [
    *(_json(lasting(kind)) for kind in Kind),
    _json(lasting(Kind.ACCESS, iss="us", aud=["blog", "us"], nbf=1.5)),
    *(_json(lasting(Kind.ACCESS, own="@"))[:-4] + word + b"}" for word in LONG_WORDS),
]
_HEADERS = [
    *(_json(header(KEY, kind)) for kind in Kind),
    *(_json(header(KEY, **{name: odd})) for name in ("alg", "typ", "kid") for odd in ([], {}, 1)),
    *LONG_WORDS,
]
_SEGMENTS = [token.rpartition(b".")[0] for token in _TOKENS]

CODEC_TARGETS = [
    Target("codec-token", hostile_token, _TOKENS, "token"),
    Target("codec-header", hostile_header, _HEADERS, "header"),
    Target("codec-payload", hostile_payload, _PAYLOADS, "claims"),
    Target("codec-segments", hostile_segments, _SEGMENTS, "token"),
    Target(
        "pyjwt",
        against_pyjwt,
        [bytes([choice, choice]) + payload for choice in range(3) for payload in _PAYLOADS[:3]],
        "claims",
    ),
]
