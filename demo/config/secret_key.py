"""A secret key for whoever did not set one: made once, then kept in a file."""

import os
import tempfile
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key


def secret_key(path: Path) -> str:
    """The key in the file at `path`, which is made first where there is none.

    Any number of processes may ask at once; all get the same key.

    Args:
        path: the file of the key. Only its owner can read it.

    Raises:
        ImproperlyConfigured: the file is there but empty.
    """
    if not path.exists():
        _create(path)
    key = path.read_text(encoding="ascii").strip()
    if not key:
        # A new key would sign everybody out; that is for a person to decide.
        raise ImproperlyConfigured(f"{path} is empty. Delete it to have a new secret key made.")
    return key


def _create(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # The key is written in full under a name of its own (O_EXCL, mode 0600) and only then linked to
    # the real name. A link to a name that is taken fails, so the first process wins; and no process
    # ever reads half a key, as one could from a file that is opened first and filled afterwards.
    descriptor, name = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)
    draft = Path(name)
    try:
        with open(descriptor, "w", encoding="ascii") as file:
            file.write(get_random_secret_key() + "\n")
            file.flush()
            os.fsync(file.fileno())
        path.hardlink_to(draft)
    except FileExistsError:
        pass  # Another process was first: its key is the key.
    finally:
        draft.unlink()
