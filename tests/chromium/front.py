"""A proxy in front of several servers, on one host, whose answers can be lost on the way."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

#: What a proxy does not pass on, or makes anew.
_OWN = {"connection", "keep-alive", "transfer-encoding", "content-length", "host"}


@dataclass(frozen=True)
class Exchange:
    """A request that has passed, and its answer.

    Args:
        path: with the query.
        status: HTTP's; 0 where nobody answered.
        headers: the answer's, names in lower case.
    """

    path: str
    status: int
    headers: list[tuple[str, str]]

    def values(self, name: str) -> list[str]:
        """Those of a header."""
        return [value for key, value in self.headers if key == name]

    @property
    def cookies(self) -> set[str]:
        """The names of those that it sets."""
        return {value.partition("=")[0] for value in self.values("set-cookie")}


@dataclass
class Front:
    """The proxy.

    Args:
        port: where it listens, on the loopback.
        routes: the servers' addresses by the beginnings of paths; the first that fits.
        client: the address that it says its clients have; None to say nothing.
    """

    port: int
    routes: Mapping[str, str]
    client: str | None
    exchanges: list[Exchange] = field(default_factory=list)
    _lost: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def address(self) -> str:
        """Where it is, by a name."""
        return f"http://localhost:{self.port}"

    def lose(self, path: str, times: int = 1) -> None:
        """Let answers to requests for that path be lost: they are made, and never arrive."""
        self._lost += [path] * times

    def count(self, path: str) -> int:
        """How many requests have come for that path."""
        return sum(one.path == path for one in self.exchanges)

    def last(self, path: str) -> Exchange:
        """The last one for that path."""
        return next(one for one in reversed(self.exchanges) if one.path == path)

    def is_lost(self, path: str) -> bool:
        """Whether the answer to this request is to be lost."""
        with self._lock:
            found = path in self._lost
            if found:
                self._lost.remove(path)
        return found

    def send(
        self, method: str, path: str, headers: list[tuple[str, str]], body: bytes
    ) -> tuple[Exchange, bytes]:
        """Pass a request on."""
        target = next(to for start, to in self.routes.items() if path.startswith(start))
        connection = HTTPConnection(urlsplit(target).netloc, timeout=60)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in headers:
                if name.lower() not in _OWN - {"host"}:
                    connection.putheader(name, value)
            if self.client:
                connection.putheader("X-Forwarded-For", self.client)
            connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            given = [(name.lower(), value) for name, value in answer.getheaders()]
            said = answer.read()
            exchange = Exchange(path, answer.status, given)
        except (OSError, HTTPException):
            exchange, said = Exchange(path, 0, []), b""
        finally:
            connection.close()
        with self._lock:
            self.exchanges.append(exchange)
        return exchange, said


@contextmanager
def front_of(routes: Mapping[str, str], client: str | None = None) -> Iterator[Front]:
    """Listen on the loopback for as long as the context lasts."""

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            exchange, said = front.send(self.command, self.path, self.headers.items(), body)
            self.close_connection = True
            if front.is_lost(self.path) or not exchange.status:
                return
            self.send_response_only(exchange.status)
            for name, value in exchange.headers:
                if name not in _OWN:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(said)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(said)

        do_GET = do_POST = do_HEAD = do_DELETE = handle_any

        def log_message(self, *args: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 256

        def handle_error(self, *args: Any) -> None:
            pass  # a browser that has gone

    with Server(("127.0.0.1", 0), Handler) as server:
        front = Front(server.server_address[1], routes, client)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield front
        finally:
            server.shutdown()
            thread.join()
