"""One GET: where to, for how long, and how much."""

import contextlib
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from ratchet_tokens.verifier.fetching import MAX_BODY, FetchFailed, Source
from verifier_tests.issuer import (
    JWKS,
    SERVICE,
    Issuer,
    Misbehaviour,
    drip,
    drip_headers,
    huge,
    redirect,
    status,
)

pytestmark = [pytest.mark.any_database, pytest.mark.starts]


@pytest.mark.parametrize(
    "url",
    [
        *("https://blog.example/x", "https://blog.example", "HTTPS://blog.example:8443/x?y=1"),
        *("http://localhost:8000/x", "http://127.0.0.1/x", "http://127.9.9.9/x", "http://[::1]/x"),
    ],
)
def test_addresses(url: str) -> None:
    assert Source(url, timeout=1).url == url


@pytest.mark.parametrize(
    "url",
    [
        *("", "blog.example", "/x", "ftp://blog.example/x", "file:///etc/passwd", "https:///x"),
        *("https://user:secret@blog.example/x", "https://blog.example/x#y", "https://[::1/x"),
        *("https://blog.example/a b", "https://blog.example/\r\nX: y", "https://blög.example/"),
        *("https://blog.example:port/x", "https://blog.example:99999/x"),
        *("http://blog.example/x", "http://10.0.0.1/x", "http://localhost.evil.example/x"),
        *("http://127.0.0.1.evil.example/x", "http://0.0.0.0/x", "http://169.254.169.254/x"),
    ],
)
def test_no_addresses(url: str) -> None:
    with pytest.raises(ValueError, match=r"address|https") as refused:
        Source(url, timeout=1)
    assert "secret" not in str(refused.value)


def test_http_where_something_else_encrypts() -> None:
    assert Source("http://blog.internal/x", timeout=1, allow_http=True)
    with pytest.raises(ValueError, match="URL must be"):
        Source("ftp://blog.internal/x", timeout=1, allow_http=True)


@pytest.mark.parametrize(
    ("misbehaviour", "why"),
    [
        (status(500), "status 500"),
        (status(404), "status 404"),
        (status(204), "status 204"),
        (redirect("/elsewhere"), "status 302"),
        (redirect("file:///etc/passwd"), "status 302"),
        (huge, "more than 1000000 bytes"),
        (drip, "no response within 0.3 s"),
        (drip_headers, "no response within 0.3 s"),
        (lambda handler: handler.wfile.write(b"no HTTP\r\n\r\n"), "BadStatusLine"),
        (lambda handler: None, "RemoteDisconnected"),
        (lambda handler: time.sleep(1), "no response within 0.3 s"),
    ],
    ids=["500", "404", "204", "redirect", "file", "huge", "drip", "headers", "no", "mute", "slow"],
)
def test_refused(issuer: Issuer, misbehaviour: Misbehaviour, why: str) -> None:
    issuer.misbehaves[JWKS] = misbehaviour
    source = Source(issuer.url + JWKS, timeout=0.3, auth=SERVICE)
    started = time.monotonic()

    with pytest.raises(FetchFailed, match=why) as failed:
        source.get()

    assert time.monotonic() - started < 3
    assert SERVICE[1] not in str(failed.value) + repr(source)


def test_no_more_is_read_than_is_taken(issuer: Issuer) -> None:
    """Who sends too much and does not end is not listened to until the time is over."""
    read = threading.Event()

    def too_much(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(b" " * (MAX_BODY + 10))
        read.wait(4)

    issuer.misbehaves[JWKS] = too_much
    started = time.monotonic()
    try:
        with pytest.raises(FetchFailed, match="more than 1000000 bytes"):
            Source(issuer.url + JWKS, timeout=4).get()
    finally:
        read.set()

    assert time.monotonic() - started < 3


def test_the_time_is_for_tls_as_well() -> None:
    """A handshake of which a byte comes now and then."""

    def drip_tls() -> None:
        connection, _ = server.accept()
        with connection, contextlib.suppress(OSError):
            connection.sendall(b"\x16\x03\x03\x40\x00")
            for _ in range(200):
                time.sleep(0.02)
                connection.sendall(b"\x02")

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=drip_tls, daemon=True).start()
        started = time.monotonic()
        with pytest.raises(FetchFailed, match=r"no response within 0\.3 s"):
            Source(f"https://127.0.0.1:{server.getsockname()[1]}/", timeout=0.3).get()

    assert time.monotonic() - started < 2


def test_what_connecting_took_is_not_there_again(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[float] = []
    connect, timer = socket.create_connection, threading.Timer

    def slowly(*args: Any) -> socket.socket:
        time.sleep(0.2)
        return connect(*args)

    def note(seconds: float, *args: Any) -> threading.Timer:
        given.append(seconds)
        return timer(seconds, *args)

    monkeypatch.setattr(socket, "create_connection", slowly)
    monkeypatch.setattr(threading, "Timer", note)

    assert Source(issuer.url + JWKS, timeout=5).get().body
    assert 0 < given[0] <= 4.8


def test_unreachable_server_raises(issuer: Issuer) -> None:
    issuer.stop()

    with pytest.raises(FetchFailed, match="ConnectionRefusedError"):
        Source(issuer.url + JWKS, timeout=1).get()


def test_a_proxy_is_not_asked(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")

    assert Source(issuer.url + JWKS, timeout=1).get().body


def test_not_over_tls_without_tls(issuer: Issuer) -> None:
    with pytest.raises(FetchFailed, match="SSLError"):
        Source(issuer.url.replace("http:", "https:") + JWKS, timeout=1).get()
