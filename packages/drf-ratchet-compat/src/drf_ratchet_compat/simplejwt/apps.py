"""The Django app: ``"drf_ratchet_compat.simplejwt"``, behind ``"drf_ratchet"``."""

from collections.abc import Iterator
from typing import Any

from django.apps import AppConfig

from drf_ratchet_compat.installing import install_ratchet
from drf_ratchet_compat.simplejwt.settings import defaults, demand_usable


class SimpleJWTBridgeConfig(AppConfig):
    """Puts the counter under simplejwt; ``SIMPLE_JWT`` gives defaults to ``DRF_RATCHET``."""

    name = "drf_ratchet_compat.simplejwt"
    label = "ratchet_simplejwt"

    def __init__(self, app_name: str, app_module: Any) -> None:
        super().__init__(app_name, app_module)
        install_ratchet("SIMPLE_JWT", defaults)

    def ready(self) -> None:
        """Replace simplejwt's methods.

        Raises:
            ImproperlyConfigured: a setting or the version of simplejwt cannot be used.
        """
        from drf_ratchet.management import doctor
        from drf_ratchet_compat.simplejwt import blacklist, request, seams

        demand_usable()
        seams.install()
        request.watch()
        blacklist.watch()
        doctor.PARTS["simplejwt"] = _examine


def _examine() -> Iterator[tuple[Any, str]]:
    from drf_ratchet_compat.simplejwt.doctor import examine

    return examine()
