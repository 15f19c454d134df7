"""An issuer on a real socket, which can be stopped, started again, and told to misbehave."""

import contextlib
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from ratchet_tokens import codec
from ratchet_tokens.claims import Kind
from ratchet_tokens.documents import ENDED_SESSIONS, sign_document
from ratchet_tokens.keys import Key
from token_tests import forge

JWKS = "/.well-known/jwks.json"
FEED = "/api/ended-sessions/"
SERVICE = ("billing: ü", "a secret of a service, long enough to be one")

Misbehaviour = Callable[[BaseHTTPRequestHandler], None]


class Issuer:
    """Keys, a list of ended sessions, and a server that tells both.

    What it says is read at each request, so a test changes it by assigning.
    """

    def __init__(self) -> None:
        self.keys: list[Key] = [forge.key_for("ES256")]
        self.ended: list[UUID] = []
        self.cut_offs: list[tuple[str, UUID]] = []
        #: Changes to what the feed says; a value of None leaves the claim out.
        self.document: dict[str, Any] = {}
        #: A feed that is said instead.
        self.raw_feed: str | None = None
        self.raw_keys: bytes | None = None
        self.cache_control = "public, max-age=300"
        #: What is done instead of answering, by path.
        self.misbehaves: dict[str, Misbehaviour] = {}
        self.requests: Counter[str] = Counter()
        self.seen: list[tuple[str, dict[str, str]]] = []
        self._server: ThreadingHTTPServer | None = None
        self.port = 0
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def feed_url(self) -> str:
        return self.url + FEED

    def start(self) -> None:
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                with contextlib.suppress(ConnectionError):
                    issuer._answer(self)

            def log_message(self, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=[0.01], daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def token(self, key: Key | None = None, **changes: Any) -> str:
        """A good access token, with changes; a change to None leaves the claim out."""
        claims = forge.claims(iss=self.url) | changes
        said = {name: value for name, value in claims.items() if value is not None}
        return codec.sign(said, key or self.keys[0], Kind.ACCESS)

    def feed(self, typ: str = ENDED_SESSIONS, key: Key | None = None) -> str:
        claims = {
            "iss": self.url,
            "iat": int(time.time()),
            "window": 360,
            "sessions": [str(one) for one in self.ended],
            "cut_offs": [[whose, str(last)] for whose, last in self.cut_offs],
            "overflows": False,
            **self.document,
        }
        said = {name: value for name, value in claims.items() if value is not None}
        return sign_document(said, key or self.keys[0], typ)

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        path = urlsplit(handler.path).path
        self.requests[path] += 1
        self.seen.append((path, dict(handler.headers)))
        if path in self.misbehaves:
            self.misbehaves[path](handler)
        elif path == JWKS:
            body = self.raw_keys
            if body is None:
                body = json.dumps({"keys": public(self.keys)}).encode()
            self._send(handler, body)
        elif path == FEED:
            self._send(handler, (self.raw_feed or self.feed()).encode())
        else:
            handler.send_error(404)

    def _send(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        etag = f'"{hash(body)}"'
        same = handler.headers.get("If-None-Match") == etag
        handler.send_response(304 if same else 200)
        handler.send_header("ETag", etag)
        handler.send_header("Cache-Control", self.cache_control)
        handler.send_header("Content-Length", "0" if same else str(len(body)))
        handler.end_headers()
        if not same:
            handler.wfile.write(body)


def public(keys: Iterable[Key]) -> list[dict[str, Any]]:
    return [key.public_jwk() for key in keys]


def status(code: int) -> Misbehaviour:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_error(code)

    return answer


def redirect(location: str) -> Misbehaviour:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(302)
        handler.send_header("Location", location)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def huge(handler: BaseHTTPRequestHandler) -> None:
    """No length, and no end."""
    handler.send_response(200)
    handler.end_headers()
    for _ in range(10_000):
        handler.wfile.write(b" " * 65_536)


def drip(handler: BaseHTTPRequestHandler) -> None:
    """A byte every so often: no single wait is long."""
    handler.send_response(200)
    handler.end_headers()
    for _ in range(1000):
        handler.wfile.write(b" ")
        time.sleep(0.02)


def drip_headers(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    for _ in range(1000):
        handler.wfile.write(b"x")
        time.sleep(0.02)
