"""The command that makes the first key runs where there is none yet."""

from pathlib import Path
from typing import Any

import pytest
from django.core.management import ManagementUtility, call_command
from django.core.management.base import SystemCheckError

pytestmark = pytest.mark.any_database


def test_the_first_key_is_made_although_the_checks_miss_it(tmp_path: Path, settings: Any) -> None:
    directory = tmp_path / "keys"
    settings.DRF_RATCHET = {"KEYS": str(directory)}
    with pytest.raises(SystemCheckError, match=r"ratchet\.E009"):
        call_command("check")
    # As from a shell: call_command() would skip the checks by itself.
    ManagementUtility(["manage.py", "ratchet", "keys", "new"]).execute()
    assert len(list(directory.glob("*.json"))) == 1
