"""The tests run in a process of their own."""

from pathlib import Path

import pytest

from tests.in_its_own_process import Elsewhere, module_elsewhere


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> Elsewhere | None:
    """Run all of them there."""
    return module_elsewhere(module_path, parent, "tests.otp.settings")
