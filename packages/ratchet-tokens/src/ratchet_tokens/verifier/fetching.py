"""Send one HTTP GET with limits on time and size, and without redirects."""

import ipaddress
import re
import socket
import ssl
import threading
import time
from base64 import b64encode
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import SplitResult, quote_plus, urlsplit

#: The most bytes of a response body.
MAX_BODY = 1_000_000


class FetchFailed(Exception):
    """A request failed. The text says why, and contains neither body nor credentials."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A response.

    Args:
        body: the body; None if the caller's version is current (304).
        etag: the ``ETag`` header, or None.
        max_age: the ``max-age`` of Cache-Control in seconds, or None.
    """

    body: bytes | None
    etag: str | None
    max_age: float | None


class Source:
    """A URL to GET.

    Each request opens a connection of its own. Proxies in the environment are ignored. A redirect
    is an error, because only the configured URL may provide keys.

    Args:
        url: ``https://``, or ``http://`` on this machine.
        timeout: seconds for one request, from connecting to the last byte. The DNS look-up is not
            included, and each further address of the host may take as long again to connect.
        auth: a name and a secret for HTTP Basic.
        allow_http: accept ``http://`` for any host, if something else encrypts, such as a service
            mesh.

    Raises:
        ValueError: the URL is not allowed.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout: float,
        auth: tuple[str, str] | None = None,
        allow_http: bool = False,
    ) -> None:
        parts = _checked(url, allow_http)
        self.url = url
        #: The URL in messages: without the query, which may contain a credential.
        self.shown = url.partition("?")[0]
        self._timeout = timeout
        self._host, self._port = parts.hostname or "", parts.port
        self._path = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._headers = {"Accept": "*/*", "User-Agent": "drf-ratchet"}
        if auth is not None:
            self._headers["Authorization"] = _basic(*auth)

    def get(self, etag: str | None = None) -> Answer:
        """Send the request.

        Args:
            etag: the ``ETag`` of the caller's version, for ``If-None-Match``.

        Raises:
            FetchFailed: the response is late, too large, or neither 200 nor 304.
        """
        headers = dict(self._headers)
        if etag is not None:
            headers["If-None-Match"] = etag
        deadline = time.monotonic() + self._timeout
        why = ""
        try:
            answer = self._get(headers, deadline)
        except (OSError, HTTPException, ValueError) as error:
            why = type(error).__name__
        if time.monotonic() >= deadline:
            # The timer closed the connection, which may look like any error.
            raise FetchFailed(f"{self.shown}: no response within {self._timeout:g} s")
        if why:
            raise FetchFailed(f"{self.shown}: {why}")
        return answer

    def _get(self, headers: Mapping[str, str], deadline: float) -> Answer:
        connection = self._connection()
        try:
            address = self._host, connection.port
            sock = connection.sock = socket.create_connection(address, self._timeout)
            if self._tls is not None:
                sock = connection.sock = self._tls.wrap_socket(
                    sock, server_hostname=self._host, do_handshake_on_connect=False
                )
            # A socket's own timeout restarts with each byte. The timer limits the whole request,
            # and gets the time that connecting has left.
            timer = threading.Timer(max(0.0, deadline - time.monotonic()), _cut, [sock])
            timer.daemon = True
            timer.start()
            try:
                if isinstance(sock, ssl.SSLSocket):
                    sock.do_handshake()
                connection.request("GET", self._path, headers=dict(headers))
                response = connection.getresponse()
                body = response.read(MAX_BODY + 1)
                response.close()
            finally:
                timer.cancel()
        finally:
            connection.close()
        if response.status not in (200, 304):
            raise FetchFailed(f"{self.shown}: status {response.status}")
        if len(body) > MAX_BODY:
            raise FetchFailed(f"{self.shown}: more than {MAX_BODY} bytes")
        return Answer(
            body if response.status == 200 else None,
            response.getheader("ETag"),
            _max_age(response.getheader("Cache-Control", "")),
        )

    def _connection(self) -> HTTPConnection:
        if self._tls is None:
            return HTTPConnection(self._host, self._port, timeout=self._timeout)
        return HTTPSConnection(self._host, self._port, timeout=self._timeout, context=self._tls)

    def __repr__(self) -> str:
        return f"<Source {self.shown}>"


def _cut(sock: socket.socket) -> None:
    with suppress(OSError):
        # Not SSLSocket.shutdown, which removes the TLS layer while another thread reads.
        socket.socket.shutdown(sock, socket.SHUT_RDWR)


def _checked(url: str, allow_http: bool) -> SplitResult:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    # Reject characters that a request line cannot contain, and fragments, which are never sent.
    plain = url.isascii() and url.isprintable() and " " not in url and "#" not in url
    if not host or not plain or parts.username is not None or parts.scheme not in _SCHEMES:
        raise ValueError(
            "The URL must be https://host/path, without a user, a password or a fragment."
        )
    if parts.scheme == "http" and not (allow_http or _is_loopback(host)):
        raise ValueError(
            "Anyone on the network can respond to an http:// URL. Use https://, or pass "
            "allow_http=True if something else encrypts."
        )
    return parts


_SCHEMES = ("https", "http")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _basic(name: str, secret: str) -> str:
    # RFC 6749 section 2.3.1: both are form-urlencoded first, so neither can contain a colon.
    return f"Basic {b64encode(f'{quote_plus(name)}:{quote_plus(secret)}'.encode()).decode()}"


def _max_age(cache_control: str) -> float | None:
    found = re.search(r"(?:^|[,\s])max-age=\"?([0-9]{1,9})", cache_control.lower())
    return float(found[1]) if found else None
