"""Token strings and what they say: ours, and those that simplejwt made before."""

import json
from collections.abc import Mapping
from typing import Any

from drf_ratchet.authentication import verify_access
from drf_ratchet.conf import ratchet_settings
from drf_ratchet.keyring import keyring
from drf_ratchet.tenants import issuer_for
from drf_ratchet_compat.old_tokens import (
    check_moment,
    is_old,
    read_old_token,
    unverified_claims,
)
from drf_ratchet_compat.simplejwt.keys import legacy_keys
from drf_ratchet_compat.simplejwt.settings import api_settings
from drf_ratchet_compat.simplejwt.underneath import as_timedelta
from drf_ratchet_compat.thawing import thawed
from ratchet_tokens import codec
from ratchet_tokens.claims import Kind
from ratchet_tokens.errors import Reason, TokenRefused

#: The ``typ`` of a project's own kinds of token, which have no session.
OTHER = "other+jwt"
#: Where a token of ours says what simplejwt calls its type, if that is not what we call it.
TYPE = "simplejwt_type"
SLIDING = "sliding"
#: Claims that are written anew into every token.
WRITTEN_BY_US = frozenset(
    {TYPE, "token_type", "sub", "sid", "gen", "auth_time", "exp", "iat", "jti"}
)

#: Types of tokens that have a session. A project's own kinds are called something else.
WITH_SESSIONS = frozenset({"access", "refresh", "sliding"})


class Payload(dict[str, Any]):
    """What a token says. Projects read and change it as a dict.

    Args:
        claims: the claims.
        is_old: whether simplejwt made the token.
        kind: what a token of ours is, whatever the settings call it; "" where nobody has looked.
    """

    def __init__(self, claims: Mapping[str, Any], *, is_old: bool = False, kind: str = "") -> None:
        super().__init__(claims)
        self.is_old = is_old
        self.kind = kind

    def __repr__(self) -> str:
        # The values are somebody's email address as often as not.
        return f"<Payload {', '.join(self)}>"


def decode(token: object, *, verify: bool = True) -> Payload:
    """What a token says.

    Args:
        token: what the client sent; anything.
        verify: False to believe it, whoever made it: for looking into one's own tokens.

    Raises:
        TokenRefused: with the reason.
    """
    text = _text(token)
    if not verify:
        claims = unverified_claims(text)
        return Payload(claims, is_old=True) if is_old(text) else _in_their_words(claims)
    try:
        kind = codec.kind_of(text)
    except TokenRefused as refused:
        if refused.reason is not Reason.WRONG_TYPE:
            raise
        if is_old(text):
            return Payload(_old(text), is_old=True)
        return _in_their_words(_other(text), OTHER)
    return _in_their_words(_ours(text, kind), kind.value)


def encode(claims: Mapping[str, Any], kind: Kind | None) -> str:
    """A token.

    Args:
        claims: what it says; for a kind of ours, with ``sub`` and ``sid``.
        kind: which of ours; None for one of the project's own.

    Raises:
        ValueError, TypeError: the claims make no token.
    """
    if kind is None:
        return codec.seal(claims, keyring().access.signing, OTHER)
    keys = keyring().refresh if kind.is_refresh else keyring().access
    return codec.sign(claims, keys.signing, kind)


def as_json(claims: Mapping[str, Any]) -> dict[str, Any]:
    """The claims as plain JSON, made so by ``JSON_ENCODER`` where there is one."""
    encoder = api_settings.JSON_ENCODER
    if encoder is None:
        return dict(claims)
    made: dict[str, Any] = json.loads(json.dumps(dict(claims), cls=encoder))
    return made


def _text(token: object) -> str:
    if isinstance(token, bytes):
        try:
            return token.decode("ascii")
        except UnicodeDecodeError:
            raise TokenRefused(Reason.MALFORMED) from None
    if not isinstance(token, str):
        raise TokenRefused(Reason.MALFORMED)
    return token


def _old(text: str) -> dict[str, Any]:
    settings = ratchet_settings()
    return read_old_token(
        text,
        legacy_keys(),
        issuer=issuer_for(),
        audience=settings.audiences,
        leeway=as_timedelta(api_settings.LEEWAY).total_seconds(),
    )


def _ours(text: str, kind: Kind) -> dict[str, Any]:
    if kind is Kind.ACCESS:
        claims = verify_access(text)
    else:
        leeway = ratchet_settings().LEEWAY.total_seconds()
        # A token out of a cookie is of the wrong type here, and refused as such.
        claims = codec.verify(text, keyring().refresh, Kind.REFRESH, leeway=leeway)
    said: dict[str, Any] = thawed(claims)
    return said


def _other(text: str) -> dict[str, Any]:
    claims = codec.unseal(text, keyring().access, OTHER, codec.MAX_LENGTH)
    check_moment(claims, ratchet_settings().LEEWAY.total_seconds())
    return claims


def _in_their_words(claims: dict[str, Any], kind: str = "") -> Payload:
    """What simplejwt calls our claims, beside them."""
    payload = Payload(claims, kind=kind)
    if payload.get("token_type") == Kind.REFRESH and isinstance(payload.get("sid"), str):
        # A session's refresh tokens have one id: the session's.
        payload["jti"] = payload["sid"].replace("-", "")
    if "sub" in payload:
        payload.setdefault(api_settings.USER_ID_CLAIM, payload["sub"])
    if kind == Kind.ACCESS and payload.get(TYPE) == SLIDING:
        payload.kind = SLIDING
    named = payload.pop(TYPE, payload.get("token_type"))
    theirs = {api_settings.TOKEN_TYPE_CLAIM: named, api_settings.JTI_CLAIM: payload.get("jti")}
    payload.update({name: value for name, value in theirs.items() if name and value is not None})
    return payload
