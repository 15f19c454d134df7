"""A process of the project itself: does there what no endpoint of the demo does.

It reads calls from its standard input, one a line, and answers each with a line.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class Inside:
    """The tests' end of it: one call at a time."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def __call__(self, name: str, *args: str) -> Any:
        """Have a function of this module called there.

        Raises:
            AssertionError: it raised something, which this names.
        """
        assert self._process.stdin
        assert self._process.stdout
        print(json.dumps([name, *args]), file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        assert line, "The process inside has ended."
        answer = json.loads(line)
        assert "raised" not in answer, f"{name} raised {answer['raised']}"
        return answer["returned"]

    def timed(self, name: str, *args: str) -> tuple[float, float]:
        """The same; the monotonic times before and after."""
        sent = time.monotonic()
        self(name, *args)
        return sent, time.monotonic()


@contextmanager
def inside(url: str, log: Path, **environment: str) -> Iterator[Inside]:
    """Start the process on a database; what it logs is appended to a file."""
    from tests.races.databases import environment_on

    with (
        log.open("a") as output,
        subprocess.Popen(
            [sys.executable, "-m", "tests.races.inside"],
            env={**environment_on(url), **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=output,
            text=True,
        ) as process,
    ):
        try:
            yield Inside(process)
        finally:
            process.kill()


def session(pk: str) -> dict[str, Any]:
    """A session's row."""
    from drf_ratchet.models import Session

    found = Session.objects.get(pk=pk)
    return {"generation": found.generation, "end_reason": found.end_reason}


def set_password(username: str, password: str) -> None:
    """Change a password as a project does."""
    user = _user(username)
    user.set_password(password)
    user.save()


def age_password(username: str, password: str) -> None:
    """Store the password as an older hasher did, and the sessions as opened under that."""
    from django.contrib.auth.hashers import PBKDF2PasswordHasher

    from drf_ratchet.models import Session
    from drf_ratchet.sessions.fingerprint import fingerprint_of

    user = _user(username)
    # With one round: what is old about it is the algorithm.
    user.password = PBKDF2PasswordHasher().encode(password, "salt", iterations=1)
    type(user).objects.filter(pk=user.pk).update(password=user.password)
    Session.objects.filter(user=user).update(fingerprint=fingerprint_of(user))


def check_password(username: str, password: str) -> None:
    """What a sign-in does: it rehashes a password that an older hasher has hashed."""
    assert _user(username).check_password(password)


def _user(username: str) -> Any:
    from django.contrib.auth import get_user_model

    return get_user_model().objects.get(username=username)


def _main() -> None:
    import django

    django.setup()
    callable_here = {
        each.__name__: each for each in (session, set_password, age_password, check_password)
    }
    for line in sys.stdin:
        name, *args = json.loads(line)
        try:
            answer = {"returned": callable_here[name](*args)}
        except Exception as error:
            answer = {"raised": repr(error)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    _main()
