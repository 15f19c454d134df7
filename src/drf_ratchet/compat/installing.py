"""A project that renames its old app has named ours with it."""

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

APP = "drf_ratchet"


def install_ratchet() -> None:
    """See to it that ``drf_ratchet`` itself is installed; for an ``AppConfig``'s constructor.

    Django is walking ``INSTALLED_APPS`` at that moment, and finds what is appended at its end.

    Raises:
        ImproperlyConfigured: it is not there and ``INSTALLED_APPS`` is a tuple, which cannot grow.
    """
    installed = settings.INSTALLED_APPS
    if any(entry == APP or entry.startswith(f"{APP}.apps.") for entry in installed):
        return
    if not isinstance(installed, list):
        raise ImproperlyConfigured(f'Add "{APP}" to INSTALLED_APPS: the sessions\' table is its.')
    installed.append(APP)
