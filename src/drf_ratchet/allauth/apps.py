"""The Django app: put ``"drf_ratchet.allauth"`` into ``INSTALLED_APPS``."""

from django.apps import AppConfig, apps


class RatchetAllauthConfig(AppConfig):
    """Links allauth's Django sessions to the rows of ``drf_ratchet``."""

    name = "drf_ratchet.allauth"
    label = "drf_ratchet_allauth"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Connect to the signals of both sides, and keep the session that changes a password."""
        import drf_ratchet.allauth.checks
        from drf_ratchet.allauth import receivers

        receivers.connect()
        if apps.is_installed("drf_spectacular"):
            import drf_ratchet.allauth.openapi  # noqa: F401 (registers an extension)
