"""Create a secret key once and keep it in a file, for when none is set."""

import os
import tempfile
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key


def secret_key(path: Path) -> str:
    """Return the key in a file, which is created if it does not exist.

    Several processes may call this at the same time. All get the same key.

    Args:
        path: the path of the file. Only its owner can read it.

    Raises:
        ImproperlyConfigured: the file is empty.
    """
    if not path.exists():
        _create(path)
    key = path.read_text(encoding="ascii").strip()
    if not key:
        # A new key would sign all users out, so a person must decide.
        raise ImproperlyConfigured(f"{path} is empty. Delete it to create a new secret key.")
    return key


def _create(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Write the key to a temporary file (O_EXCL, mode 0600), then link that to the real name. The
    # link fails if the name exists: the first process wins, and no process reads a partial key.
    descriptor, name = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)
    draft = Path(name)
    try:
        with open(descriptor, "w", encoding="ascii") as file:
            file.write(get_random_secret_key() + "\n")
            file.flush()
            os.fsync(file.fileno())
        path.hardlink_to(draft)
    except FileExistsError:
        pass  # another process was first: use its key
    finally:
        draft.unlink()
