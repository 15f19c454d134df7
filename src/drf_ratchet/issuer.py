"""The issuer of the tokens, where it is another server: the setting ``VERIFIER``."""

from functools import lru_cache
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed

from drf_ratchet.conf import NAME, ratchet_settings
from drf_ratchet.verifier import Verifier


def issuer_verifier() -> Verifier | None:
    """This process's verifier; None where the keys are our own (``KEYS``).

    Raises:
        ImproperlyConfigured: ``VERIFIER`` holds what no ``Verifier`` takes.
    """
    settings = ratchet_settings()
    return _made() if settings.USER == "claims" and settings.VERIFIER is not None else None


@lru_cache(maxsize=1)
def _made() -> Verifier:
    settings = ratchet_settings()
    given = {
        "audience": settings.audiences,
        "leeway": settings.LEEWAY.total_seconds(),
        **(settings.VERIFIER or {}),
    }
    issuer = given.pop("issuer", settings.ISSUER)
    try:
        return Verifier(issuer, **given)
    except (TypeError, ValueError) as error:
        raise ImproperlyConfigured(f"{NAME}['VERIFIER'] cannot be used: {error}") from None


def _forget(*, setting: str, **kwargs: Any) -> None:
    if setting == NAME and _made.cache_info().currsize:
        _made().close()
        _made.cache_clear()


setting_changed.connect(_forget, dispatch_uid="drf_ratchet.issuer")
