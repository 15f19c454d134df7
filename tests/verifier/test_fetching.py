"""One GET: where to, for how long, and how much."""

import time

import pytest

from drf_ratchet.verifier.fetching import FetchFailed, Source
from tests.verifier.issuer import (
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

pytestmark = pytest.mark.any_database


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
    with pytest.raises(ValueError, match="address"):
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
        (drip, "no answer within 0.3 s"),
        (drip_headers, "no answer within 0.3 s"),
        (lambda handler: handler.wfile.write(b"no HTTP\r\n\r\n"), "BadStatusLine"),
        (lambda handler: None, "RemoteDisconnected"),
        (lambda handler: time.sleep(1), "no answer within 0.3 s"),
    ],
    ids=["500", "404", "204", "redirect", "file", "huge", "drip", "headers", "no", "mute", "slow"],
)
def test_refused(issuer: Issuer, misbehaviour: Misbehaviour, why: str) -> None:
    issuer.misbehaves[JWKS] = misbehaviour
    source = Source(issuer.url + JWKS, timeout=0.3, service=SERVICE)
    started = time.monotonic()

    with pytest.raises(FetchFailed, match=why) as failed:
        source.get()

    assert time.monotonic() - started < 3
    assert SERVICE[1] not in str(failed.value) + repr(source)


def test_nobody_there(issuer: Issuer) -> None:
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
