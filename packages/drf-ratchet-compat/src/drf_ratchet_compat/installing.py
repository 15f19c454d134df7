"""A project that renames its old app has named ours with it."""

from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from drf_ratchet.conf import put_underneath

APP = "drf_ratchet"


def install_ratchet(setting: str, source: Callable[[], Mapping[str, Any]]) -> None:
    """See to it that ``drf_ratchet`` itself is installed, and knows the old package's settings.

    For an ``AppConfig``'s constructor: Django is walking ``INSTALLED_APPS`` at that moment, and
    finds what is appended at its end; and our own ``ready()`` has not read the keys yet.

    Args:
        setting: the name of the old package's.
        source: what it means in our words, as for ``put_underneath``.

    Raises:
        ImproperlyConfigured: it is not there and ``INSTALLED_APPS`` is a tuple, which cannot grow.
    """
    put_underneath(setting, source)
    installed = settings.INSTALLED_APPS
    if any(entry == APP or entry.startswith(f"{APP}.apps.") for entry in installed):
        return
    if not isinstance(installed, list):
        raise ImproperlyConfigured(f'Add "{APP}" to INSTALLED_APPS: the sessions\' table is its.')
    installed.append(APP)
