"""Check ``DRF_RATCHET``: unknown keys, invalid values, and choices that weaken security."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured

from drf_ratchet.conf import (
    _DEMANDS,
    NAME,
    RatchetSettings,
    bad_values,
    given_settings,
    unknown_keys,
)

LONGEST_ACCESS = timedelta(hours=1)


@register(Tags.security)
def check_settings(**kwargs: Any) -> list[CheckMessage]:
    """Report E001: a key is unknown. Report E002: a value is invalid."""
    given = _given()
    return [
        *(Error(text, hint=hint, id="ratchet.E001") for text, hint in unknown_keys(given)),
        *(Error(text, hint=hint, id="ratchet.E002") for text, hint in bad_values(given)),
        *_bad_verifier(usable_settings()),
    ]


@register(Tags.security)
def check_choices(**kwargs: Any) -> list[CheckMessage]:
    """Report W001 to W003: lifetimes. Report W004: ``FRESHNESS = "expiry"``."""
    return list(_choices(usable_settings()))


def usable_settings() -> RatchetSettings:
    """Return the settings, with the default in place of each invalid value.

    One mistake then does not hide the others.
    """
    given = _given()
    if not isinstance(given, Mapping):
        return RatchetSettings()
    return RatchetSettings(
        **{name: given[name] for name, (_, holds) in _DEMANDS.items() if _holds(given, name, holds)}
    )


def _bad_verifier(chosen: RatchetSettings) -> Iterator[CheckMessage]:
    if chosen.USER != "claims" or chosen.VERIFIER is None:
        return
    from drf_ratchet.issuer import make_verifier  # late: most servers need no HTTP client

    made = make_verifier(chosen)
    if isinstance(made, str):
        yield Error(
            made,
            hint="The arguments are those of ratchet_tokens.verifier.Verifier (docs/services.md).",
            id="ratchet.E002",
        )
    else:
        made.close()


def _given() -> Any:
    try:
        return given_settings()
    except ImproperlyConfigured:
        # A bridge that supplies defaults failed. It has a check of its own.
        return getattr(settings, NAME, {})


def _holds(given: Mapping[str, Any], name: str, holds: Any) -> bool:
    return name in given and bool(holds(given[name]))


def _choices(chosen: RatchetSettings) -> Iterator[CheckMessage]:
    # One message per mistake: two swapped lifetimes would also be reported as W001.
    if chosen.ACCESS_TOKEN_LIFETIME > chosen.REFRESH_TOKEN_LIFETIME:
        yield Warning(
            "DRF_RATCHET['ACCESS_TOKEN_LIFETIME'] is longer than 'REFRESH_TOKEN_LIFETIME'.",
            hint="An access token never outlives its session. Check whether the two are swapped: "
            "access tokens live for minutes, sessions for days.",
            id="ratchet.W003",
        )
    elif chosen.ACCESS_TOKEN_LIFETIME > LONGEST_ACCESS:
        yield Warning(
            "DRF_RATCHET['ACCESS_TOKEN_LIFETIME'] is longer than an hour.",
            hint="A stolen access token is valid for that long. Set a few minutes: clients refresh "
            "automatically, and users stay signed in.",
            id="ratchet.W001",
        )
    if chosen.SESSION_LIFETIME is None:
        yield Warning(
            "DRF_RATCHET['SESSION_LIFETIME'] is None: a session that is refreshed never expires.",
            hint="Set a timedelta, for example 30 days. It limits how long an attacker who keeps "
            "refreshing stays signed in.",
            id="ratchet.W002",
        )
    if chosen.FRESHNESS == "expiry":
        yield Warning(
            "DRF_RATCHET['FRESHNESS'] is 'expiry': a logout, a new password and a deactivated "
            "user take effect only when the access token expires.",
            hint="Use 'bounded' (no query per request either) or 'immediate'. To keep 'expiry', "
            "add 'ratchet.W004' to SILENCED_SYSTEM_CHECKS.",
            id="ratchet.W004",
        )
