"""PgBouncer in transaction mode, from the system's packages: apt-get install pgbouncer."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import unquote, urlsplit

from tests import servers
from tests.races.server import free_port

PROGRAM = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")


@contextmanager
def pgbouncer(server: str) -> Iterator[int]:
    """Run one in front of a PostgreSQL, with fewer connections than clients; its port.

    Args:
        server: the URL of one of its databases.
    """
    import psycopg

    assert PROGRAM is not None
    port, parts = free_port(), urlsplit(server)
    with servers._private_home("ratchet-pgb-") as (home, user):
        settings, log = home / "pgbouncer.ini", home / "log"
        settings.write_text(
            f"[databases]\n* = host={unquote(parts.hostname or '')} user={parts.username}\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
            "auth_type = any\npool_mode = transaction\ndefault_pool_size = 2\n"
        )
        process = servers._start([PROGRAM, settings], log, user)
        try:
            url = f"postgresql://127.0.0.1:{port}{parts.path}"
            servers._wait_until_connected(
                lambda: psycopg.connect(url, prepare_threshold=None).close(),
                psycopg.OperationalError,
                process,
                log,
            )
            yield port
        finally:
            process.terminate()
            process.wait()
