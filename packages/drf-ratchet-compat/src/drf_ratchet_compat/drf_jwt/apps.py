"""The Django app: pulls in ``drf_ratchet``, and puts ``JWT_AUTH`` under ``DRF_RATCHET``."""

from typing import Any

from django.apps import AppConfig, apps
from django.utils.translation import gettext_lazy as _

from drf_ratchet_compat.drf_jwt.new_keys import from_jwt_auth
from drf_ratchet_compat.installing import install_ratchet


class DrfJwtConfig(AppConfig):
    """drf-jwt's names: put ``"drf_ratchet_compat.drf_jwt"`` into ``INSTALLED_APPS``."""

    name = "drf_ratchet_compat.drf_jwt"
    label = "ratchet_drf_jwt"
    verbose_name = _("drf-jwt's names")
    default_auto_field = "django.db.models.BigAutoField"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        install_ratchet("JWT_AUTH", from_jwt_auth)

    def ready(self) -> None:
        """Register the checks, the users' own keys, and the descriptions for drf-spectacular."""
        import drf_ratchet_compat.drf_jwt.checks
        from drf_ratchet.sessions.fingerprint import cover
        from drf_ratchet_compat.drf_jwt.old_keys import own_secret

        cover(own_secret)

        if apps.is_installed("drf_spectacular"):
            import drf_ratchet_compat.drf_jwt.openapi  # noqa: F401 (registers extensions)
