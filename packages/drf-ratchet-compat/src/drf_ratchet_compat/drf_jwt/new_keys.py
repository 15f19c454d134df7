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
    """Return the keys as JWKs (RFC 7517), the one that signs first.

    Whatever the order of ``JWT_ALGORITHM``, these are the same keys under the same names, so that
    a token lives on when the order changes. Empty if none of them is fit to sign with.

    Args:
        given: ``JWT_AUTH``, its values checked.
    """
    own = _fit_keys(given)
    if not any(own.values()):
        return []
    # An algorithm without a fit key signs with the keys derived from SECRET_KEY.
    ordered = [jwk for alg in _algorithms(given) for jwk in own[alg] or _derived()]
    return list({jwk["kid"]: jwk for jwk in ordered}.values())


def has_unfit_key(given: Mapping[str, Any]) -> bool:
    """Return whether ``JWT_AUTH`` names a key to sign with that is not fit for it.

    Args:
        given: ``JWT_AUTH``, its values checked.
    """
    first = _algorithms(given)[0]
    return bool(_jwks(given, first)) and not _fit_keys(given)[first]


def _algorithms(given: Mapping[str, Any]) -> list[str]:
    named = given.get("JWT_ALGORITHM", "HS256")
    return [named] if isinstance(named, str) else list(named)


def _fit_keys(given: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Return the keys of each algorithm, the one that signs first; none if that one is unfit."""
    found: dict[str, list[dict[str, Any]]] = {}
    names: set[str] = set()
    for alg in sorted(_algorithms(given)):
        jwks = _jwks(given, alg)
        fit = [jwk for jwk in jwks if _is_fit(jwk)]
        found[alg] = []
        if not fit or fit[0] is not jwks[0]:
            continue
        # A key has one algorithm (RFC 8725 section 3.1), and one kid (RFC 7517 section 4.5). A key
        # of several algorithms becomes several keys.
        own = {jwk["kid"]: jwk for jwk in reversed(fit)}
        for kid, jwk in reversed(own.items()):
            found[alg].append({**jwk, "kid": f"{kid}-{alg}" if kid in names else kid})
        names.update(own)
    return found


def _derived() -> list[dict[str, Any]]:
    """Return the keys that sign if ``JWT_AUTH`` names none."""
    secrets = [django_settings.SECRET_KEY, *django_settings.SECRET_KEY_FALLBACKS]
    keys = [Key.derive(force_bytes(secret), "access") for secret in secrets if secret]
    return [_oct(key.jose.raw_value, key.alg, key.kid) for key in keys]


def _oct(secret: bytes, alg: str, kid: str) -> dict[str, Any]:
    encoded = urlsafe_b64encode(secret).rstrip(b"=").decode()
    return {"kty": "oct", "k": encoded, "alg": alg, "kid": kid}


def _jwks(given: Mapping[str, Any], alg: str) -> list[dict[str, Any]]:
    return _secrets(given, alg) if is_symmetric(alg) else _pairs(given, alg)


def _secrets(given: Mapping[str, Any], alg: str) -> list[dict[str, Any]]:
    shared = force_bytes(django_settings.SECRET_KEY)
    found = [
        # A derived name tells nothing about the secret.
        (kid, force_bytes(secret), Key.derive(secret, _LABEL).kid)
        for kid, secret in named_keys(given.get("JWT_SECRET_KEY"))
        # SECRET_KEY signs other things of Django's: keys for tokens are derived from it.
        if force_bytes(secret) != shared
    ]
    named = [_oct(secret, alg, kid or derived) for kid, secret, derived in found]
    # A key that gets a name goes on verifying what it signed before.
    return named + [_oct(secret, alg, derived) for kid, secret, derived in found if kid]


def _pairs(given: Mapping[str, Any], alg: str) -> list[dict[str, Any]]:
    """The private keys, and the public ones of those that signed before."""
    private, public = given.get("JWT_PRIVATE_KEY"), given.get("JWT_PUBLIC_KEY")
    if private is None:
        return []
    found: list[dict[str, Any]] = []
    unnamed: list[dict[str, Any]] = []
    seen: set[str] = set()
    for kid, text in (*named_keys(private), *named_keys(public)):
        try:
            jose = old_key(text, alg, kid).key
        except ValueError:
            found.append({})  # fit for nothing
            continue
        if jose.thumbprint() not in seen:
            seen.add(jose.thumbprint())
            members = {**jose.as_dict(private=bool(jose.is_private)), "alg": alg}
            found.append({**members, "kid": kid or jose.thumbprint()})
            if kid:
                unnamed.append({**members, "kid": jose.thumbprint()})
    return found + unnamed


def _is_fit(jwk: Mapping[str, Any]) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # joserfc's, about short secrets; they are refused
            from_jwk(jwk)
    except (ValueError, KeyError):
        return False
    return True
