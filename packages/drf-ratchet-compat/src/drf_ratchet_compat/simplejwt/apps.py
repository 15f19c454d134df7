"""The Django app: put ``"drf_ratchet_compat.simplejwt"`` where simplejwt's stood."""

from typing import Any

from django.apps import AppConfig, apps
from django.utils.translation import gettext_lazy as _

from drf_ratchet_compat.installing import install_ratchet
from drf_ratchet_compat.simplejwt.settings import NAME
from drf_ratchet_compat.simplejwt.underneath import defaults


class SimpleJWTConfig(AppConfig):
    """Brings ``drf_ratchet`` with it, and lets ``SIMPLE_JWT`` give its defaults."""

    name = "drf_ratchet_compat.simplejwt"
    label = "ratchet_simplejwt"
    verbose_name = _("simplejwt's names")

    def __init__(self, app_name: str, app_module: Any) -> None:
        super().__init__(app_name, app_module)
        install_ratchet(NAME, defaults)

    def ready(self) -> None:
        """Register the checks, and tell drf-spectacular of us, where it is installed."""
        import drf_ratchet_compat.simplejwt.checks

        if apps.is_installed("drf_spectacular"):
            import drf_ratchet_compat.simplejwt.openapi  # noqa: F401 (registers extensions)
