"""The Django app: put ``"drf_ratchet.compat.simplejwt"`` where simplejwt's stood."""

from typing import Any

from django.apps import AppConfig

from drf_ratchet.compat.installing import install_ratchet


class SimpleJWTConfig(AppConfig):
    """Brings ``drf_ratchet`` with it, and lets ``SIMPLE_JWT`` give its defaults."""

    name = "drf_ratchet.compat.simplejwt"
    label = "ratchet_simplejwt"
    verbose_name = "simplejwt's names"

    def __init__(self, app_name: str, app_module: Any) -> None:
        super().__init__(app_name, app_module)
        install_ratchet()

    def ready(self) -> None:
        """Register the checks, and put ``SIMPLE_JWT`` under ``DRF_RATCHET``."""
        import drf_ratchet.compat.simplejwt.checks
        import drf_ratchet.compat.simplejwt.underneath  # noqa: F401 (puts it there)
