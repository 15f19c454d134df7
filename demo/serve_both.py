"""`make demo-service`: run the blog, and a FastAPI service that accepts the blog's tokens."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path
from types import FrameType

from blog.demo_users import PASSWORD
from config.secret_key import secret_key
from ratchet_tokens.key_directory import list_keys, new_key
from serve import HOST, _check_free, _number

DEMO_DIR = Path(__file__).resolve().parent
VAR_DIR = DEMO_DIR / "var"
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
#: Seconds to wait for a start, and for a stop before the process is killed.
PATIENCE = 60, 10


#: The environment of a program, its arguments, and the URL at which it responds.
Program = tuple[dict[str, str], tuple[str, ...], str]


class Stopped(Exception):
    """A signal asks the program to stop."""


def main() -> int:
    """Run both until they are stopped, or one of them exits.

    Reads `PORT` (8000) and `SERVICE_PORT` (8001) from the environment.
    """
    port, service_port = two_ports("SERVICE_PORT", default=8001)
    environment = _environment(port)
    uvicorn = ("-m", "uvicorn", "service.app:app", "--host", HOST, "--log-level", "warning")
    return run_both(
        (
            environment,
            (str(DEMO_DIR / "serve.py"),),
            f"http://{HOST}:{port}/.well-known/jwks.json",
        ),
        (
            environment,
            (*uvicorn, "--port", str(service_port)),
            f"http://{HOST}:{service_port}/health",
        ),
        _what_to_try(port, service_port),
    )


def two_ports(other: str, *, default: int) -> tuple[int, int]:
    """Return the blog's port and another one, both free. Exit with the reason if they are not.

    Args:
        other: the environment variable of the other port.
        default: the other port, if the variable is not set.
    """
    ports = (
        _number("PORT", default=8000, highest=65535),
        _number(other, default=default, highest=65535),
    )
    if ports[0] == ports[1]:
        sys.exit(f"PORT and {other} must be different.")
    for port in ports:
        _check_free(port)
    return ports


def run_both(first: Program, second: Program, what_to_try: str) -> int:
    """Run two programs until they are stopped, or one of them exits; return the exit status.

    Args:
        first: starts first. The second starts when it responds.
        second: the other one.
        what_to_try: printed when both respond.
    """
    for number in SIGNALS:
        signal.signal(number, _stop)
    running: list[subprocess.Popen[bytes]] = []
    try:
        for environment, arguments, url in (first, second):
            running.append(_start(environment, *arguments))
            _wait_for(url, running)
        print(what_to_try, flush=True)
        while all(one.poll() is None for one in running):
            time.sleep(0.2)
        return 1
    except Stopped:
        return 0
    finally:
        _end(running)


def _environment(port: int) -> dict[str, str]:
    """Return the environment of both. Create the key and the secret on first use."""
    keys = Path(os.environ.get("KEYS") or VAR_DIR / "keys")
    if not keys.is_dir() or not list_keys(keys, time.time()):
        new_key(keys, "ES256", time.time(), signs_from=time.time())
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.with_service",
        "PORT": str(port),
        "BLOG": f"http://{HOST}:{port}",
        "KEYS": str(keys),
        "SERVICE_SECRET": os.environ.get("SERVICE_SECRET")
        or secret_key(VAR_DIR / "service-secret"),
    }


def _start(environment: dict[str, str], *arguments: str) -> subprocess.Popen[bytes]:
    # In a session of its own: Ctrl-C reaches only this process, which stops the others in order.
    return subprocess.Popen(  # noqa: S603 -- no untrusted arguments
        [sys.executable, *arguments], cwd=DEMO_DIR, env=environment, start_new_session=True
    )


def _wait_for(url: str, running: list[subprocess.Popen[bytes]]) -> None:
    deadline = time.monotonic() + PATIENCE[0]
    while time.monotonic() < deadline:
        if any(one.poll() is not None for one in running):
            sys.exit(1)  # the process has printed the reason
        with suppress(OSError), urllib.request.urlopen(url, timeout=5):  # noqa: S310 -- ours
            return
        time.sleep(0.1)
    sys.exit(f"{url} does not respond. See the messages above.")


def _stop(number: int, frame: FrameType | None) -> None:
    for each in SIGNALS:  # a second signal must not interrupt the shutdown
        signal.signal(each, signal.SIG_IGN)
    raise Stopped


def _end(running: list[subprocess.Popen[bytes]]) -> None:
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    for one in reversed(running):
        one.terminate()
    for one in running:
        try:
            one.wait(PATIENCE[1])
        except subprocess.TimeoutExpired:
            one.kill()
            one.wait()


def _what_to_try(port: int, service_port: int) -> str:
    blog, service = f"http://{HOST}:{port}", f"http://{HOST}:{service_port}"
    bearer = '-H "Authorization: Bearer $ACCESS"'
    read = """python3 -c 'import json, sys; print(json.load(sys.stdin)["access"])'"""
    return f"""
The service listens on {service}/ and verifies tokens with the blog's published keys. Try in order:

  ACCESS=$(curl -s {blog}/api/token/ -d username=alice -d password={PASSWORD} | {read})
  curl -s {bearer} {service}/orders
  curl -s -X POST {bearer} {blog}/api/logout/
  sleep 2; curl -s {bearer} {service}/orders

The last request is refused: the session has ended, and the service knows. Ctrl-C stops both.
"""


if __name__ == "__main__":
    sys.exit(main())
