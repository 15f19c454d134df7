"""Drop cached values when settings change: the package's one receiver of ``setting_changed``.

A module that keeps a value for the life of the process registers here, in one line, how to drop it:
``forget_on_change(key_files.cache_clear, NAME)``.
"""

from collections.abc import Callable
from typing import Any

from django.core.signals import setting_changed

_forgetters: list[tuple[frozenset[str], Callable[[], object]]] = []
_implied: dict[str, str] = {}


def forget_on_change(forget: Callable[[], object], *settings: str) -> None:
    """Call a function whenever one of these settings changes, as tests do.

    Args:
        forget: drops the values that were made from the settings.
        settings: the names of Django settings; none for any setting.
    """
    _forgetters.append((frozenset(settings), forget))


def imply_change(setting: str, of: str) -> None:
    """Treat a change of one setting as a change of another setting too.

    Args:
        setting: the name of the first.
        of: the name of the second, whose defaults come from the first.
    """
    _implied[setting] = of


def _on_change(*, setting: str, **kwargs: Any) -> None:
    changed = {setting, _implied.get(setting, setting)}
    for settings, forget in tuple(_forgetters):
        if not settings or settings & changed:
            forget()


setting_changed.connect(_on_change, dispatch_uid="drf_ratchet.caches")
