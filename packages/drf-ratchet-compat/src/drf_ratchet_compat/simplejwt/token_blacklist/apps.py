"""The Django app: ``"drf_ratchet_compat.simplejwt.token_blacklist"``."""

from typing import Any

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from drf_ratchet_compat.installing import install_ratchet
from drf_ratchet_compat.simplejwt.settings import NAME
from drf_ratchet_compat.simplejwt.underneath import defaults


class TokenBlacklistConfig(AppConfig):
    """It has no tables of its own, and needs no migrations. simplejwt's stay where they are."""

    name = "drf_ratchet_compat.simplejwt.token_blacklist"
    # Not simplejwt's own: the migrations of that one have run, and it may come back.
    label = "ratchet_token_blacklist"
    verbose_name = _("Token Blacklist")
    default_auto_field = "django.db.models.BigAutoField"

    def __init__(self, app_name: str, app_module: Any) -> None:
        super().__init__(app_name, app_module)
        install_ratchet(NAME, defaults)  # whichever of the two apps is installed

    def ready(self) -> None:
        """Register the checks."""
        import drf_ratchet_compat.simplejwt.checks  # noqa: F401 (registers them)
