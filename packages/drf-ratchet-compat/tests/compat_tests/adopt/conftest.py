"""The import of simplejwt's sessions needs simplejwt's tables."""

from pathlib import Path

import pytest

from tests.in_its_own_process import Elsewhere, module_elsewhere


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> Elsewhere | None:
    """Run `test_simplejwt_sessions.py` in a process of its own."""
    if module_path.stem != "test_simplejwt_sessions":
        return None
    return module_elsewhere(module_path, parent, "compat_tests.adopt.settings")
