"""Run the demo: prepare its database, print its URL, and become the server."""

import os
import socket
import sys
from pathlib import Path

import django
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import OperationalError, connections

from blog.demo_users import DEMO_USERS, PASSWORD

DEMO_DIR = Path(__file__).resolve().parent
HOST = "127.0.0.1"


def main() -> None:
    """Serve the demo until it is stopped.

    Reads `PORT` (8000) and `WORKERS` (2) from the environment. If the demo cannot start, prints the
    reason and exits with status 1.
    """
    port = _number("PORT", default=8000, highest=65535)
    workers = _number("WORKERS", default=2, highest=64)
    # Check the port first, so that a demo that cannot run changes nothing.
    _check_free(port)
    _prepare()
    names = ", ".join(user.username for user in DEMO_USERS)
    print(
        f"The demo listens on http://{HOST}:{port}/",
        f"Sign in as {names}; the password is {PASSWORD} unless you changed it.",
        "Ctrl-C stops it.",
        sep="\n",
        flush=True,  # exec throws away what is still in the buffer.
    )
    _become_gunicorn(port, workers)


def _number(name: str, *, default: int, highest: int) -> int:
    text = os.environ.get(name, "").strip()
    if not text:
        return default
    if text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= highest:
        return int(text)
    sys.exit(f"{name} must be a whole number from 1 to {highest}, not {text!r}.")


def _check_free(port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As gunicorn does: accept a port whose last connections were closed a moment ago.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except PermissionError:
            sys.exit(f"You may not use port {port}. Choose 1024 or higher: make demo PORT=8000")
        except OSError as error:
            sys.exit(
                f"Port {port} of {HOST} is not free ({error.strerror})."
                " Stop the program that uses it, or choose another port: make demo PORT=8001"
            )


def _prepare() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.with_accounts")
    try:
        django.setup()
        call_command("migrate", verbosity=0, interactive=False)
        call_command("demo_data")
    except ImproperlyConfigured as error:
        sys.exit(str(error))
    except OperationalError as error:
        sys.exit(f"The database does not respond. Check DATABASE_URL. {error}")
    # The server opens connections of its own.
    connections.close_all()


def _become_gunicorn(port: int, workers: int) -> None:
    os.chdir(DEMO_DIR)  # gunicorn.conf.py, with all other options, is there
    bind = f"{HOST}:{port}"
    command = [sys.executable, "-m", "gunicorn", "--bind", bind, "--workers", str(workers)]
    # exec replaces this process, so that Ctrl-C reaches only the server.
    os.execv(sys.executable, command)  # noqa: S606 -- no shell is needed


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
