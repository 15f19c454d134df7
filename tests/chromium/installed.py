"""Chromium: where it is, and installing it where that is allowed."""

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome")
MISSING = "Chromium is not installed (on Debian: apt-get install chromium)"


def find() -> str | None:
    """The path of a Chromium that is there."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def find_or_install(folder: Path) -> str | None:
    """The path of Chromium, installed from the system's packages if need be; None for none.

    Args:
        folder: shared by the processes of one run, which together try at most once.
    """
    with (folder / "chromium.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        tried = folder / "chromium.tried"
        found = find()
        if found is None and not tried.exists():
            tried.touch()
            _install()
            found = find()
        return found


def _install() -> None:
    """Try; whoever calls looks whether it is there now."""
    as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if not all(map(shutil.which, ["apt-get", *as_root[:1]])):
        return
    for command in (["update"], ["install", "--yes", "--no-install-recommends", "chromium"]):
        apt_get = [*as_root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", *command]
        # No terminal: nothing may stop to ask. An update that fails in part may well be enough.
        subprocess.run(
            apt_get,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=600,
        )
