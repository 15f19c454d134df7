"""The tests in projects that have moved in run in processes of their own, by their settings."""

from pathlib import Path

import pytest

from tests.in_its_own_process import Elsewhere, module_elsewhere

BLACKLIST = '["drf_ratchet_compat.drf_jwt.blacklist"]'
#: The settings and the further apps of a test file.
OWN = {
    **dict.fromkeys(
        [
            *("test_browsers", "test_moved_projects", "test_old_tokens", "test_policy"),
            *("test_sessions", "test_settings"),
        ],
        ("compat_tests.drf_jwt.settings", BLACKLIST),
    ),
    "test_way_back": ("compat_tests.drf_jwt.settings_back", "[]"),
}


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> Elsewhere | None:
    """Run what has settings of its own in its own process."""
    if module_path.stem not in OWN:
        return None
    settings, apps = OWN[module_path.stem]
    return module_elsewhere(module_path, parent, settings, MORE_APPS=apps)
