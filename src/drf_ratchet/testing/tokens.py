"""Make access tokens that are refused, each for one reason. The real keys sign them."""

import time
from collections.abc import Callable
from typing import Any

from drf_ratchet.conf import ratchet_settings
from drf_ratchet.keyring import keyring
from drf_ratchet.sessions import Grant, end_session, open_session
from drf_ratchet.sessions.grant import HEADER
from ratchet_tokens import codec
from ratchet_tokens.errors import Reason

#: RFC 6761 section 6.4 reserves ".invalid": no real issuer or audience has this name.
_ELSEWHERE = "https://elsewhere.invalid"


def expired_token(user: Any, **options: Any) -> str:
    """Return an access token of an active session that expired a second ago.

    Args:
        user: a saved user.
        options: arguments of ``open_session``.
    """
    return refused_token(user, Reason.EXPIRED, **options)


def refused_token(user: Any, reason: str, **options: Any) -> str:
    """Return an access token that is refused for exactly one reason.

    Args:
        user: a saved user, for whom a session is opened.
        reason: a reason of the HTTP contract: ``expired``, ``not_yet_valid``, ``bad_signature``,
            ``wrong_type``, ``wrong_audience``, ``wrong_issuer`` (if ``ISSUER`` is set),
            ``malformed`` or ``session_ended`` (not refused with ``FRESHNESS = "expiry"``).
        options: arguments of ``open_session``.

    Raises:
        ValueError: no token can be made for this reason. To test ``user_inactive`` or
            ``password_changed``, change the user.
    """
    make = _WAYS.get(reason)
    if make is None:
        raise ValueError(f"{reason!r} is not a reason. Pass one of {', '.join(_WAYS)}.")
    if reason == Reason.WRONG_ISSUER and ratchet_settings().ISSUER is None:
        raise ValueError("DRF_RATCHET['ISSUER'] is not set, so no issuer is wrong. Set it.")
    return make(open_session(user, **options))


def _expired(grant: Grant) -> str:
    claims = _claims_of(grant)
    ended = int(time.time() - ratchet_settings().LEEWAY.total_seconds()) - 1
    issued = ended - (claims["exp"] - claims["iat"])
    return _signed({**claims, "iat": issued, "auth_time": issued, "exp": ended})


def _not_yet_valid(grant: Grant) -> str:
    claims = _claims_of(grant)
    begins = int(time.time() + ratchet_settings().LEEWAY.total_seconds()) + 3600
    return _signed({**claims, "nbf": begins, "exp": begins + claims["exp"] - claims["iat"]})


def _bad_signature(grant: Grant) -> str:
    message = grant.access.rpartition(".")[0]
    other = _signed({**_claims_of(grant), "jti": "another"})
    return f"{message}.{other.rpartition('.')[2]}"


def _session_ended(grant: Grant) -> str:
    end_session(grant.session)
    return grant.access


_WAYS: dict[str, Callable[[Grant], str]] = {
    Reason.EXPIRED: _expired,
    Reason.NOT_YET_VALID: _not_yet_valid,
    Reason.BAD_SIGNATURE: _bad_signature,
    Reason.WRONG_TYPE: lambda grant: grant.refresh or "",
    Reason.WRONG_AUDIENCE: lambda grant: _signed({**_claims_of(grant), "aud": _ELSEWHERE}),
    Reason.WRONG_ISSUER: lambda grant: _signed({**_claims_of(grant), "iss": _ELSEWHERE}),
    Reason.MALFORMED: lambda grant: grant.access.replace(".", ""),
    Reason.SESSION_ENDED: _session_ended,
}


def _claims_of(grant: Grant) -> dict[str, Any]:
    return codec.unseal(grant.access, keyring().access, HEADER.access.typ, codec.MAX_LENGTH)


def _signed(claims: dict[str, Any]) -> str:
    return codec.sign(claims, keyring().access.signing, HEADER.access)
