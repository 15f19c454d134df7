"""What the server says, read."""

import base64
import binascii
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin

from drf_ratchet_client.errors import RatchetError, setup_error
from drf_ratchet_client.origins import without_query
from drf_ratchet_client.sending import Answer

#: The contract's codes for "no session is here". A gateway's 401 has neither.
_SIGNED_OUT = ("token_not_valid", "not_authenticated")
# RFC 6750 section 3.1. Other 401s, a step up that is wanted say, are the caller's matter.
_TOKEN_REFUSED = re.compile(r'(?:^|,)\s*Bearer\b.*\berror="?invalid_token\b', re.IGNORECASE)
#: The end of the year 9999, as a Unix timestamp.
_LATEST = 253402300799
_JWT = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a session is known by here; all of it is stored together.

    Args:
        api: the address of the API that it belongs to.
        user: the ``sub`` of the user.
        refresh: the refresh token.
        key: the Idempotency-Key of this refresh token, for as many tries as its refresh takes.
        access: the access token; "" for none.
        lifetime: how many seconds that one is good, counted from ``received``.
        received: when it was asked for, by this machine's time of day.
    """

    api: str
    user: str
    refresh: str = field(repr=False)
    key: str = field(repr=False)
    access: str = field(default="", repr=False)
    lifetime: float = 0.0
    received: float = 0.0

    def text(self) -> str:
        """Return it as it is stored."""
        return json.dumps({"version": 1, **{name: getattr(self, name) for name in self.__slots__}})


def stored_tokens(text: str) -> Tokens:
    """Read what ``Tokens.text`` has made.

    Raises:
        RatchetError: ``storage``; it is damaged.
    """
    found = _object(text)
    types = {"lifetime": (int, float), "received": (int, float)}
    names = Tokens.__slots__
    if found.get("version") == 1 and all(
        isinstance(found.get(name), types.get(name, str)) for name in names
    ):
        return Tokens(**{name: found[name] for name in names})
    raise RatchetError(
        "storage",
        "What is stored for this session is damaged, or of another version of this package. "
        "Delete it and sign in again.",
    )


def tokens_of(answer: Answer, *, api: str, before: Tokens | None, received: float) -> Tokens:
    """Return the tokens that the server has handed out.

    Args:
        answer: to a sign-in or a refresh.
        api: the address of the API.
        before: what was sent for them; None at a sign-in.
        received: when it was sent, by this machine's time of day.

    Raises:
        RatchetError: ``bad_answer``; it is none of the server's.
    """
    body = body_of(answer)
    access, refresh = body.get("access"), body.get("refresh")
    claims = claims_of(access)
    lifetime = _lifetime(body, claims)
    user = claims.get("sub")
    if refresh is None and before is not None:
        # The session does not rotate: its refresh token stays good.
        refresh, key = before.refresh, before.key
    else:
        key = new_key()
    if not (lifetime and isinstance(user, str) and isinstance(access, str) and _is_token(refresh)):
        raise RatchetError(
            "bad_answer",
            "The server's answer does not hold the tokens that drf-ratchet's does.",
            status=answer.status,
        )
    if before is not None and before.user != user:
        raise RatchetError(
            "bad_answer", "The server's answer is of another user.", status=answer.status
        )
    return Tokens(api, user, str(refresh), key, access, lifetime, received)


def given_tokens(refresh_token: str, *, api: str) -> Tokens:
    """Return what is known of a refresh token that somebody hands in.

    Raises:
        RatchetError: ``setup``; it is no refresh token.
    """
    claims = claims_of(refresh_token)
    if not isinstance(claims.get("sub"), str) or "gen" not in claims:
        raise setup_error("This is not a refresh token of drf-ratchet.")
    return Tokens(api, claims["sub"], refresh_token, new_key())


def new_key() -> str:
    """Return a random Idempotency-Key. It signs nobody in, and is stored before it is sent."""
    return secrets.token_urlsafe(16)


def claims_of(token: object) -> dict[str, Any]:
    """Return what a token says, unverified; {} for what is no JWT."""
    if not _is_token(token):
        return {}
    payload = str(token).split(".")[1]
    try:
        text = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)).decode()
    except (binascii.Error, ValueError):
        return {}
    return _object(text)


def is_token_refused(status: int, challenge: str) -> bool:
    """Return whether a resource has refused the access token that was sent.

    Args:
        status: of the answer.
        challenge: its ``WWW-Authenticate``; "" for none.
    """
    return status == 401 and _TOKEN_REFUSED.search(challenge) is not None


def is_signed_out(error: RatchetError) -> bool:
    """Return whether the server itself says that the session is over."""
    return error.status == 401 and error.code in _SIGNED_OUT


def body_of(answer: Answer) -> dict[str, Any]:
    """Return the JSON object in an answer.

    Raises:
        RatchetError: ``bad_answer``; something in front of the server has answered, most likely.
    """
    found = _object(answer.body.decode(errors="replace"))
    if not found:
        raise RatchetError(
            "bad_answer",
            f"The server answered {answer.status} with {_kind(answer)}: something else has "
            "answered for it, or base_url is wrong.",
            status=answer.status,
        )
    return found


def demand_success(url: str, answer: Answer) -> None:
    """Return if the server has done what was asked.

    Args:
        url: that was asked.
        answer: to it.

    Raises:
        RatchetError: with the server's code, or one of ours.
    """
    if 200 <= answer.status < 300:
        return
    if 300 <= answer.status < 400:
        target = urljoin(url, answer.headers.get("location", ""))
        raise RatchetError(
            "redirected",
            f"{url} redirected to {without_query(target)}: is base_url right?",
            status=answer.status,
        )
    raise _refusal(answer)


def _refusal(answer: Answer) -> RatchetError:
    body = _object(answer.body.decode(errors="replace"))
    code, detail, reason = body.get("code"), body.get("detail"), body.get("reason")
    retry_after = _seconds(answer.headers.get("retry-after", ""))
    # The server's own refusals have both. A gateway's JSON may have a code for itself.
    if isinstance(code, str) and isinstance(detail, str):
        return RatchetError(
            code,
            detail,
            status=answer.status,
            reason=reason if isinstance(reason, str) else None,
            retry_after=retry_after,
        )
    fields = _fields(body)
    if fields and answer.status == 400:
        first = next(iter(fields.items()))
        detail = f"{first[0]}: {first[1][0]}"
        return RatchetError("invalid", detail, status=400, fields=fields)
    detail = f"The server answered {answer.status} with {_kind(answer)}."
    if answer.status == 404:
        detail += " Is base_url right?"
    return RatchetError("error", detail, status=answer.status, retry_after=retry_after)


def _fields(body: Mapping[str, Any]) -> dict[str, list[str]]:
    return {
        name: [str(line) for line in lines]
        for name, lines in body.items()
        if isinstance(lines, list) and lines
    }


def _kind(answer: Answer) -> str:
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "text/html" or answer.body.lstrip()[:1] == b"<":
        return "an HTML page"
    return "JSON of another form" if _object(answer.body.decode(errors="replace")) else "no JSON"


def _lifetime(body: Mapping[str, Any], claims: Mapping[str, Any]) -> float:
    """Return for how long the access token is good, by the server's times alone; 0 if untold."""
    if "expires_in" in body:
        return max(0.0, _number(body["expires_in"]))
    return max(0.0, _number(claims.get("exp")) - _number(claims.get("iat")))


def _number(value: object) -> float:
    """Return a number of a JSON document; 0 for everything else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > _LATEST:
        return 0.0
    return float(value)


def _is_token(value: object) -> bool:
    return isinstance(value, str) and _JWT.fullmatch(value) is not None


def _seconds(value: str) -> float | None:
    """Return a Retry-After in seconds. A date would be read by a clock that may be wrong."""
    return float(value) if re.fullmatch(r"\d{1,9}", value, re.ASCII) else None


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
