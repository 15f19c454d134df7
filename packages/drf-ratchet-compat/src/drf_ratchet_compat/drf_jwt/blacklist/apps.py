"""The Django app: put ``"drf_ratchet_compat.drf_jwt.blacklist"`` into ``INSTALLED_APPS``."""

from typing import Any

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from drf_ratchet_compat.drf_jwt.new_keys import from_jwt_auth
from drf_ratchet_compat.installing import install_ratchet


class BlacklistedTokenConfig(AppConfig):
    """drf-jwt's blacklist. With it installed, a token of an ended session is a 403, as there."""

    name = "drf_ratchet_compat.drf_jwt.blacklist"
    label = "ratchet_jwt_blacklist"
    verbose_name = _("Blacklisted tokens")
    default_auto_field = "django.db.models.BigAutoField"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        install_ratchet("JWT_AUTH", from_jwt_auth)  # whichever of the two apps is installed

    def ready(self) -> None:
        """Register the checks."""
        import drf_ratchet_compat.drf_jwt.checks  # noqa: F401 (registers them)
