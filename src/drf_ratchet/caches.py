"""Forget what was made out of settings once they change: the package's one receiver for it.

A module that keeps something for the life of the process says here, in one line, how it is
forgotten: ``forget_on_change(key_files.cache_clear, NAME)``.
"""

from collections.abc import Callable
from typing import Any

from django.core.signals import setting_changed

_forgetters: list[tuple[frozenset[str], Callable[[], object]]] = []
_implied: dict[str, str] = {}


def forget_on_change(forget: Callable[[], object], *settings: str) -> None:
    """Call a function whenever one of these settings changes, as in tests they do.

    Args:
        forget: forgets what was made out of them.
        settings: their names in Django's settings; none for any setting.
    """
    _forgetters.append((frozenset(settings), forget))


def imply_change(setting: str, of: str) -> None:
    """Take a change of one setting for a change of another too.

    Args:
        setting: the name of the first.
        of: the name of the second, which gets defaults out of the first.
    """
    _implied[setting] = of


def _on_change(*, setting: str, **kwargs: Any) -> None:
    changed = {setting, _implied.get(setting, setting)}
    for settings, forget in tuple(_forgetters):
        if not settings or settings & changed:
            forget()


setting_changed.connect(_on_change, dispatch_uid="drf_ratchet.caches")
