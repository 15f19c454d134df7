"""The Django app of drf-ratchet."""

from django.apps import AppConfig, apps
from django.utils.translation import gettext_lazy as _


class RatchetConfig(AppConfig):
    """The app's configuration: put ``"drf_ratchet"`` into ``INSTALLED_APPS``."""

    name = "drf_ratchet"
    label = "drf_ratchet"
    verbose_name = _("Sign-in sessions")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the checks, connect to the signals of users, and read the keys.

        If drf-spectacular is installed, register its extensions.
        """
        import drf_ratchet.checks
        from drf_ratchet.keyring import load_at_start
        from drf_ratchet.sessions import user_changes

        user_changes.watch()
        load_at_start()
        if apps.is_installed("drf_spectacular"):
            import drf_ratchet.openapi.extensions  # noqa: F401 (registers them)
            from drf_ratchet.openapi import well_known

            well_known.show()
