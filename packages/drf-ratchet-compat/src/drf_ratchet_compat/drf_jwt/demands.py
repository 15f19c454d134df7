"""What a value of ``JWT_AUTH`` has to be, and what to write instead where it cannot be honoured."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, NamedTuple

from drf_ratchet_compat.drf_jwt.generations import GENERATIONS
from ratchet_tokens.algorithms import ALGORITHMS

_UTILS = f"{__package__}.utils"
_ENCODERS = (f"{_UTILS}.jwt_encode_payload", f"{_UTILS}.jwt_encode_handler")
_DECODERS = (f"{_UTILS}.jwt_decode_token", f"{_UTILS}.jwt_decode_handler")
_SAMESITE = ("lax", "strict", "none")
#: Longer, and the end is no date any more.
LONGEST = timedelta(days=36500)


class Demand(NamedTuple):
    """What one value has to be.

    Args:
        text: ends the sentence "it must be".
        holds: whether a value is that.
        instead: what to write.
    """

    text: str
    holds: Callable[[Any], bool]
    instead: str = ""


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _is_text_or_none(value: Any) -> bool:
    return value is None or _is_text(value)


def _is_texts(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and len(value) > 0 and all(map(_is_text, value))


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool)


def _is_handler(value: Any) -> bool:
    return _is_text(value) or callable(value)


def _is_one_of(paths: tuple[str, ...]) -> Callable[[Any], bool]:
    def holds(value: Any) -> bool:
        if callable(value):
            value = f"{value.__module__}.{getattr(value, '__qualname__', '')}"
        return value in paths

    return holds


def _is_lifetime(value: Any) -> bool:
    return isinstance(value, timedelta) and timedelta(seconds=1) <= value <= LONGEST


def _is_window(value: Any) -> bool:
    if type(value) in (int, float) and 0 <= value <= LONGEST.total_seconds():
        return True  # 1.11 took seconds too
    return isinstance(value, timedelta) and timedelta(0) <= value <= LONGEST


def _is_leeway(value: Any) -> bool:
    if isinstance(value, timedelta):
        value = value.total_seconds()
    return type(value) in (int, float) and 0 <= value <= 86400


def _is_algorithm(value: Any) -> bool:
    named = [value] if isinstance(value, str) else value
    return _is_texts(named) and all(name in ALGORITHMS for name in named)


def _is_key(value: Any) -> bool:
    if isinstance(value, (str, bytes)):
        return bool(value)
    # A key of the package cryptography.
    return hasattr(value, "public_bytes") or hasattr(value, "private_bytes")


def _is_keys(value: Any) -> bool:
    if isinstance(value, Mapping):
        return len(value) > 0 and all(map(_is_text, value)) and all(map(_is_key, value.values()))
    if isinstance(value, (list, tuple)):
        return len(value) > 0 and all(map(_is_key, value))
    return value is None or _is_key(value)


def _is_legacy_keys(value: Any) -> bool:
    if value is None:
        return True
    return isinstance(value, (list, tuple)) and all(_is_key(key) for key in value)


def _is_token_classes(value: Any) -> bool:
    known = tuple(f"{__package__}.tokens.{name}" for name in ("AccessToken", "RefreshToken"))
    return _is_texts(value) and value[0] == known[0] and all(path in known for path in value)


_HANDLER = Demand("a callable, or the dotted path of one", _is_handler)
_KEYS = Demand("a key, a list of keys, or a dict of names to keys", _is_keys)
_BOOL = Demand("True or False", _is_bool)
_NAME = Demand("a name, or None", _is_text_or_none)

DEMANDS: dict[str, Demand] = {
    "JWT_SECRET_KEY": _KEYS,
    "JWT_GET_USER_SECRET_KEY": Demand(
        "a callable, the dotted path of one, or None", lambda v: v is None or _is_handler(v)
    ),
    "JWT_PRIVATE_KEY": _KEYS,
    "JWT_PUBLIC_KEY": _KEYS,
    "JWT_ALGORITHM": Demand(
        f"one of {', '.join(ALGORITHMS)}, or a list of those",
        _is_algorithm,
        "Take another one out; unsigned tokens ('none') are never accepted.",
    ),
    "JWT_INSIST_ON_KID": _BOOL,
    "JWT_TOKEN_ID": Demand(
        "'off', 'include' or 'require'", lambda v: v in ("off", "include", "require")
    ),
    "JWT_AUDIENCE": Demand(
        "a string, a list of strings, or None", lambda v: _is_text_or_none(v) or _is_texts(v)
    ),
    "JWT_ISSUER": Demand("a string, or None", _is_text_or_none),
    "JWT_ENCODE_HANDLER": Demand(
        f"'{_ENCODERS[0]}'",
        _is_one_of(_ENCODERS),
        "Tokens are signed by drf-ratchet alone. Delete the line; for claims of your own write a "
        "JWT_PAYLOAD_HANDLER.",
    ),
    "JWT_DECODE_HANDLER": Demand(
        f"'{_DECODERS[0]}'",
        _is_one_of(_DECODERS),
        "Tokens are verified by drf-ratchet alone. Delete the line; what you check on top belongs "
        "into authenticate_credentials() of a subclass of JSONWebTokenAuthentication.",
    ),
    "JWT_PAYLOAD_HANDLER": _HANDLER,
    "JWT_PAYLOAD_GET_USER_ID_HANDLER": _HANDLER,
    "JWT_PAYLOAD_GET_USERNAME_HANDLER": _HANDLER,
    "JWT_RESPONSE_PAYLOAD_HANDLER": _HANDLER,
    "JWT_PAYLOAD_INCLUDE_USER_ID": _BOOL,
    "JWT_VERIFY": Demand(
        "True",
        lambda v: v is True,
        "A token whose signature nobody checks signs anybody in as anybody. Delete the line.",
    ),
    "JWT_VERIFY_EXPIRATION": Demand(
        "True",
        lambda v: v is True,
        "Delete the line; for tokens that live long write a long JWT_EXPIRATION_DELTA.",
    ),
    "JWT_LEEWAY": Demand("seconds, or a timedelta, of at most a day", _is_leeway),
    "JWT_EXPIRATION_DELTA": Demand(
        "a timedelta of at least one second and at most 36500 days", _is_lifetime
    ),
    "JWT_ALLOW_REFRESH": _BOOL,
    "JWT_REFRESH_EXPIRATION_DELTA": Demand(
        "a timedelta of at most 36500 days, not negative", _is_window
    ),
    "JWT_AUTH_HEADER_PREFIX": Demand(
        "one word",
        lambda v: _is_text(v) and v.isascii() and v.split() == [v],
        "'JWT' and 'Bearer' are accepted whatever it says.",
    ),
    "JWT_AUTH_COOKIE": _NAME,
    "JWT_AUTH_COOKIE_DOMAIN": _NAME,
    "JWT_AUTH_COOKIE_PATH": Demand("a path", _is_text),
    "JWT_AUTH_COOKIE_SECURE": _BOOL,
    "JWT_AUTH_COOKIE_SAMESITE": Demand(
        "'Lax', 'Strict', 'None', or None",
        lambda v: v is None or v is False or (_is_text(v) and v.lower() in _SAMESITE),
    ),
    "JWT_IMPERSONATION_COOKIE": _NAME,
    "JWT_DELETE_STALE_BLACKLISTED_TOKENS": _BOOL,
    "JWT_AUTH_TOKEN_CLASSES": Demand(
        "a list of this package's own token classes, tokens.AccessToken first",
        _is_token_classes,
        f"Delete the line, or write ('{__package__}.tokens.AccessToken',).",
    ),
    "JWT_GENERATION": Demand(
        " or ".join(map(repr, GENERATIONS)), lambda v: v in tuple(GENERATIONS)
    ),
    "JWT_LEGACY_KEYS": Demand(
        "a list of keys of the old package, () for none, or None for those above", _is_legacy_keys
    ),
}
