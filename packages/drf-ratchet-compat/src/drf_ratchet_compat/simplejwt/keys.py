"""simplejwt's keys: what becomes of them, and what they still verify."""

from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from joserfc.util import urlsafe_b64encode

from drf_ratchet.caches import forget_on_change
from drf_ratchet_compat.old_tokens import OldKey, old_key
from drf_ratchet_compat.simplejwt.settings import NAME, api_settings
from ratchet_tokens.algorithms import HMAC_BYTES
from ratchet_tokens.keys import Key


def is_symmetric() -> bool:
    """Whether simplejwt verified with the key it signed with."""
    return str(api_settings.ALGORITHM) in HMAC_BYTES


def signing_jwks() -> list[dict[str, Any]]:
    """What to sign access tokens with, as ``KEYS`` takes it; empty for keys of our own.

    A key that others verify with goes on signing. ``SECRET_KEY`` itself does not, nor a secret
    too short for its algorithm: keys are derived instead.

    Raises:
        ImproperlyConfigured: the key is none for ``ALGORITHM``.
    """
    alg = str(api_settings.ALGORITHM)
    if not is_symmetric():
        text = api_settings.SIGNING_KEY if _has_own_key() else api_settings.VERIFYING_KEY
        key = _read(text, alg).key
        return [{**key.as_dict(private=key.is_private), "alg": alg}]
    if not _has_own_key() or is_too_short():
        return []
    secret = _bytes(api_settings.SIGNING_KEY)
    # A kid that says nothing of the key, and on which all who know it agree.
    kid = Key.derive(secret, "simplejwt").kid
    return [{"kty": "oct", "k": urlsafe_b64encode(secret).decode(), "alg": alg, "kid": kid}]


def is_too_short() -> bool:
    """Whether the secret is shorter than its algorithm asks for (RFC 7518 section 3.2)."""
    secret = _bytes(api_settings.SIGNING_KEY)
    return is_symmetric() and len(secret) < HMAC_BYTES[str(api_settings.ALGORITHM)]


@lru_cache(maxsize=1)
def legacy_keys() -> tuple[OldKey, ...]:
    """The keys that simplejwt's tokens, still out there, are verified with.

    Raises:
        ImproperlyConfigured: one cannot be used.
    """
    alg = str(api_settings.ALGORITHM)
    if api_settings.LEGACY_KEYS is not None:
        texts = list(api_settings.LEGACY_KEYS)
    elif not is_symmetric():
        texts = [api_settings.VERIFYING_KEY or api_settings.SIGNING_KEY]
    elif _has_own_key():
        texts = [api_settings.SIGNING_KEY]
    else:
        # Whoever changes SECRET_KEY with the move keeps the last one as a fallback.
        texts = [text for text in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS) if text]
    return tuple(_read(text, alg) for text in texts)


def _has_own_key() -> bool:
    key = api_settings.SIGNING_KEY
    return bool(key) and _bytes(key) != _bytes(settings.SECRET_KEY)


def _read(text: Any, alg: str) -> OldKey:
    try:
        return old_key(text, alg)
    except ValueError as error:
        raise ImproperlyConfigured(f"{NAME}: {error}") from None


def _bytes(key: Any) -> bytes:
    return key.encode() if isinstance(key, str) else bytes(key or b"")


forget_on_change(legacy_keys.cache_clear, NAME, "SECRET_KEY", "SECRET_KEY_FALLBACKS")
