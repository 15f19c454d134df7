"""One HTTP GET that cannot take long, grow large, or lead elsewhere."""

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

#: Longest body taken, in bytes.
MAX_BODY = 1_000_000


class FetchFailed(Exception):
    """Nothing usable came back. The text says why, and shows neither body nor credentials."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    Args:
        body: None where what the caller has is still current (304).
        etag: for the next request; None where there was none.
        max_age: seconds that it may be kept, by Cache-Control; None where it does not say.
    """

    body: bytes | None
    etag: str | None
    max_age: float | None


class Source:
    """An address to GET.

    A connection is made for each request and no proxy is asked, whatever the environment says. A
    redirect is an error: nobody but the address that was configured names keys.

    Args:
        url: ``https://``, or ``http://`` on this machine.
        timeout: seconds that one request may take, from the connection to the last byte. Looking
            up the host's name is not in it, and where a name has several addresses, trying the
            later ones may take as long again each.
        auth: a name and a secret for HTTP Basic.
        allow_http: take ``http://`` anywhere: where something else encrypts, say a service mesh.

    Raises:
        ValueError: the URL is none of these.
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
        #: For messages: without the query, which may be a credential.
        self.shown = url.partition("?")[0]
        self._timeout = timeout
        self._host, self._port = parts.hostname or "", parts.port
        self._path = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._headers = {"Accept": "*/*", "User-Agent": "drf-ratchet"}
        if auth is not None:
            self._headers["Authorization"] = _basic(*auth)

    def get(self, etag: str | None = None) -> Answer:
        """Fetch it.

        Args:
            etag: of what the caller has.

        Raises:
            FetchFailed: no answer in time, or none of 200 and 304, or too large a one.
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
            # Cut off by us, whatever that looks like from here.
            raise FetchFailed(f"{self.shown}: no answer within {self._timeout:g} s")
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
            # A socket's own timeout starts again with each byte. This one does not, and has what
            # connecting has left.
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
        # Not SSLSocket's own, which takes the TLS away from under whoever is reading.
        socket.socket.shutdown(sock, socket.SHUT_RDWR)


def _checked(url: str, allow_http: bool) -> SplitResult:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    # What a request line could not hold, and what would be sent to nobody.
    plain = url.isascii() and url.isprintable() and " " not in url and "#" not in url
    if not host or not plain or parts.username is not None or parts.scheme not in _SCHEMES:
        raise ValueError(
            "The address must be https://host/path, without a user, a password or a fragment."
        )
    if parts.scheme == "http" and not (allow_http or _is_loopback(host)):
        raise ValueError(
            "An http:// address can be answered by anybody on the way. Use https://, or say "
            "allow_http=True where something else encrypts."
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
    # RFC 6749 section 2.3.1: both are form-urlencoded first, so a colon cannot mislead.
    return f"Basic {b64encode(f'{quote_plus(name)}:{quote_plus(secret)}'.encode()).decode()}"


def _max_age(cache_control: str) -> float | None:
    found = re.search(r"(?:^|[,\s])max-age=\"?([0-9]{1,9})", cache_control.lower())
    return float(found[1]) if found else None
