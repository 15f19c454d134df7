"""The keys of new tokens: those of ``JWT_AUTH``, where they are fit to sign with.

One that is fit becomes ``DRF_RATCHET["KEYS"]``, under what a project writes there itself. Where
none is, new tokens are signed as if ``JWT_AUTH`` named no key: with one that is derived from
``SECRET_KEY``.
"""

import warnings
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings as django_settings
from django.utils.encoding import force_bytes

from drf_ratchet_compat.drf_jwt.key_material import is_symmetric, named_keys
from drf_ratchet_compat.drf_jwt.settings import bad_values, given_jwt_auth, seconds
from drf_ratchet_compat.old_tokens import old_key
from ratchet_tokens.key_texts import from_jwk
from ratchet_tokens.keys import Key

_LABEL = "drf-jwt"


def from_jwt_auth() -> dict[str, Any]:
    """What ``JWT_AUTH`` says of ``DRF_RATCHET``: keys, issuer, audience and leeway, nothing else.

    The leeway, because whoever decides how long an ending has to be known must know for how long a
    token is accepted.

    Empty where ``JWT_AUTH`` cannot be used; its own check says so.
    """
    given = given_jwt_auth()
    if any(bad_values(given)):
        return {}
    said = {
        "KEYS": signing_keys(given),
        "ISSUER": given.get("JWT_ISSUER"),
        "AUDIENCE": given.get("JWT_AUDIENCE"),
        "LEEWAY": timedelta(seconds=seconds(given.get("JWT_LEEWAY", 0))),
    }
    return {name: value for name, value in said.items() if value}


def signing_keys(given: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The keys as JWKs (RFC 7517), the one that signs first; empty where that is unfit.

    Args:
        given: ``JWT_AUTH``, its values checked.
    """
    found: dict[str, dict[str, Any]] = {}
    for number, jwk in enumerate(_jwks(given)):
        key = _fit(jwk)
        if key is not None:
            found.setdefault(key.kid, jwk)
        elif number == 0:
            return []
    return list(found.values())


def names_a_key(given: Mapping[str, Any]) -> bool:
    """Whether ``JWT_AUTH`` names a key of its own to sign with."""
    return bool(_jwks(given))


def _jwks(given: Mapping[str, Any]) -> list[dict[str, Any]]:
    alg = given.get("JWT_ALGORITHM", "HS256")
    alg = alg if isinstance(alg, str) else alg[0]
    return _secrets(given, alg) if is_symmetric(alg) else _pairs(given, alg)


def _secrets(given: Mapping[str, Any], alg: str) -> list[dict[str, Any]]:
    shared = force_bytes(django_settings.SECRET_KEY)
    return [
        {
            "kty": "oct",
            "k": urlsafe_b64encode(force_bytes(secret)).rstrip(b"=").decode(),
            "alg": alg,
            # Derived, so that it tells nothing of the secret.
            "kid": kid or Key.derive(secret, _LABEL).kid,
        }
        for kid, secret in named_keys(given.get("JWT_SECRET_KEY"))
        # SECRET_KEY signs other things of Django's: keys for tokens are derived from it.
        if force_bytes(secret) != shared
    ]


def _pairs(given: Mapping[str, Any], alg: str) -> list[dict[str, Any]]:
    """The private keys, and the public ones of those that signed before."""
    private, public = given.get("JWT_PRIVATE_KEY"), given.get("JWT_PUBLIC_KEY")
    if private is None:
        return []
    found: list[dict[str, Any]] = []
    seen: set[str] = set()
    for kid, text in (*named_keys(private), *named_keys(public)):
        try:
            jose = old_key(text, alg, kid).key
        except ValueError:
            found.append({})  # fit for nothing
            continue
        if jose.thumbprint() not in seen:
            seen.add(jose.thumbprint())
            members = jose.as_dict(private=bool(jose.is_private))
            found.append({**members, "alg": alg, "kid": kid or jose.thumbprint()})
    return found


def _fit(jwk: Mapping[str, Any]) -> Key | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # joserfc's, about short secrets; they are refused
            return from_jwk(jwk)
    except (ValueError, KeyError):
        return None
