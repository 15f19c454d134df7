"""A how-to's code as part of a running project: each block becomes the module that it names."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from django.conf import settings
from django.dispatch import Signal
from django.test import override_settings
from django.urls import clear_url_caches

from drf_ratchet import signals
from tests import console


def code_of(page: str) -> dict[str, str]:
    """The page's modules in the order in which they stand: dotted name to code."""
    text = (console.ROOT / "docs" / page).read_text()
    found: dict[str, str] = {}
    for language, block in console.blocks(text):
        if language == "python" and (place := re.match(r"# (\S+)\.py$", block, re.MULTILINE)):
            found[place[1].replace("/", ".")] = block
    return found


@contextmanager
def project_of(page: str, *, yours: dict[str, dict[str, Any]] | None = None) -> Iterator[None]:
    """The suite's project with what the page adds to it.

    Args:
        page: from docs/.
        yours: what a project brings itself: the contents of further modules.
    """
    code = code_of(page)
    assert code, f"{page} has no module"
    package = ModuleType("shop")
    package.__path__ = []
    made = {"shop": package}
    for name, contents in (yours or {}).items():
        made[name] = ModuleType(name)
        vars(made[name]).update(contents)
    sys.modules.update(made)
    # It listens to a signal from its import on, and not only for this page.
    import drf_ratchet.throttling  # noqa: F401

    # What the page connects to a signal is to hear nothing of other tests.
    ours = [one for one in vars(signals).values() if isinstance(one, Signal)]
    heard = [(signal, list(signal.receivers)) for signal in ours]
    changed: dict[str, Any] = {}
    try:
        for name, block in code.items():
            made[name] = sys.modules[name] = ModuleType(name)
            exec(compile(block, f"{page}: {name}", "exec"), vars(made[name]))
            if name == "shop.settings":
                changed |= {key: value for key, value in vars(made[name]).items() if key.isupper()}
        if "DRF_RATCHET" in changed:
            changed["DRF_RATCHET"] = {**settings.DRF_RATCHET, **changed["DRF_RATCHET"]}
        if "shop.urls" in made:
            changed["ROOT_URLCONF"] = "shop.urls"
        with override_settings(**changed):
            clear_url_caches()
            yield
    finally:
        for signal, receivers in heard:
            signal.receivers = receivers
            signal.sender_receivers_cache.clear()
        for name in made:
            del sys.modules[name]
        clear_url_caches()
