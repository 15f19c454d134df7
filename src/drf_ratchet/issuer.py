"""The issuer of the tokens, where it is another server: the setting ``VERIFIER``."""

import os
import threading
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed

from drf_ratchet.conf import NAME, ratchet_settings

if TYPE_CHECKING:
    # Late below: most servers verify their own tokens, and start sooner without an HTTP client.
    from drf_ratchet.verifier import Verifier


def issuer_verifier() -> "Verifier | None":
    """This process's verifier; None where the keys are our own (``KEYS``).

    Raises:
        ImproperlyConfigured: ``VERIFIER`` holds what no ``Verifier`` takes.
    """
    settings = ratchet_settings()
    if settings.USER != "claims" or settings.VERIFIER is None:
        return None
    with _making[0]:
        return _made()


#: lru_cache holds no lock while it makes one, and each has a thread for as long as it lives.
_making = [threading.Lock()]


def _after_fork() -> None:
    # It may be held by a thread that the child does not have.
    _making[0] = threading.Lock()


if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(after_in_child=_after_fork)


@lru_cache(maxsize=1)
def _made() -> "Verifier":
    from drf_ratchet.verifier import Verifier

    settings = ratchet_settings()
    given = {
        "audience": settings.audiences,
        "leeway": settings.LEEWAY.total_seconds(),
        **(settings.VERIFIER or {}),
    }
    named = None if callable(settings.ISSUER) else settings.ISSUER
    issuer = given.pop("issuer", named)
    try:
        return Verifier(issuer, **given)
    except (TypeError, ValueError) as error:
        raise ImproperlyConfigured(f"{NAME}['VERIFIER'] cannot be used: {error}") from None


def _forget(*, setting: str, **kwargs: Any) -> None:
    with _making[0]:
        if setting == NAME and _made.cache_info().currsize:
            _made().close()
            _made.cache_clear()


setting_changed.connect(_forget, dispatch_uid="drf_ratchet.issuer")
