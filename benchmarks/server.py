"""A peer on a real server with several processes, and HTTP to it."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from peers import Peer

HERE = Path(__file__).resolve().parent
HOST = "127.0.0.1"
WORKERS = 4
THREADS = 4
START_TIMEOUT = 60.0


@contextmanager
def served(peer: Peer, url: str, log: Path, **own: str) -> Iterator[int]:
    """Serve ``peer`` on the database at ``url``, with tables and a user made first.

    Args:
        peer: which.
        url: of its database.
        log: a file for what it says.
        own: variables of its environment, beside the usual ones.

    Yields:
        The port on the loopback interface.

    Raises:
        RuntimeError: it could not be prepared or did not start; with what it said.
    """
    environment = {
        "CONN_HEALTH_CHECKS": "1",  # as a server in production has them
        **os.environ,
        "DATABASE_URL": url,
        "SECRET_KEY": secrets.token_urlsafe(48),
        "RSA_PRIVATE_KEY": rsa_private_key(),
        **own,
    }
    port = free_port()
    with log.open("w") as output:
        prepared = subprocess.run(
            [sys.executable, "-m", "peers.project", peer.module],
            check=False,
            cwd=HERE,
            env=environment,
            stdout=output,
            stderr=output,
        )
        if prepared.returncode:
            raise RuntimeError(f"{peer.name} could not be prepared:\n{log.read_text()}")
        server = subprocess.Popen(
            [
                *(sys.executable, "-m", "gunicorn", f"peers.{peer.module}"),
                *(f"--bind={HOST}:{port}", f"--workers={WORKERS}", f"--threads={THREADS}"),
                *("--worker-class=gthread", "--preload", "--log-level=warning"),
                *("--graceful-timeout=5", "--no-control-socket"),
            ],
            cwd=HERE,
            env=environment,
            stdout=output,
            stderr=output,
        )
        try:
            wait_until_served(server, port)
            yield port
        except RuntimeError as error:
            error.add_note(f"The server said:\n{log.read_text()[-4000:]}")
            raise
        finally:
            server.send_signal(signal.SIGTERM)
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def connected(port: int) -> http.client.HTTPConnection:
    """A new connection, open already."""
    connection = http.client.HTTPConnection(HOST, port, timeout=60)
    connection.connect()
    return connection


def post(
    connection: http.client.HTTPConnection, path: str, body: dict[str, str]
) -> tuple[int, dict[str, Any]]:
    """Post JSON as the last request of ``connection``.

    Returns:
        The status, and the answer's body; of a server error that is none.
    """
    headers = {"Content-Type": "application/json", "Connection": "close"}
    try:
        connection.request("POST", path, json.dumps(body), headers)
        response = connection.getresponse()
        content = response.read()
    finally:
        connection.close()
    return response.status, {} if response.status >= 500 else json.loads(content)


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        port: int = listener.getsockname()[1]
        return port


def wait_until_served(server: subprocess.Popen[bytes], port: int) -> None:
    """Return once the server answers.

    Raises:
        RuntimeError: it ended or did not answer in time.
    """
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline and server.poll() is None:
        try:
            connected(port).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("The server did not start.")


@cache
def rsa_private_key() -> str:
    """A new RSA key in PEM, for the peer that signs with one."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
