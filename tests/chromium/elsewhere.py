"""A second site: one server on a port of its own, which any host name below .localhost leads to."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.races.databases import ROOT

CLIENT = ROOT / "clients" / "js" / "src"
PAGE = b"<!DOCTYPE html><title>Elsewhere</title><link rel=icon href=data:,><p>A page."


class Pages(BaseHTTPRequestHandler):
    """An empty page at /, and the browser's client below /client/."""

    def do_GET(self) -> None:
        name = self.path.removeprefix("/client/")
        if self.path == "/":
            self._answer("text/html", PAGE)
        elif name in {file.name for file in CLIENT.glob("*.js")}:
            self._answer("text/javascript", (CLIENT / name).read_bytes())
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    def _answer(self, kind: str, body: bytes) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        # A sandboxed frame is nobody's origin, and has to be allowed to load a module.
        self.send_header("Access-Control-Allow-Origin", "*")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def second_site() -> Iterator[int]:
    """Serve it.

    Yields:
        Its port.
    """
    with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        # A browser keeps connections open that it may never use again.
        server.daemon_threads = True
        server.block_on_close = False
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()
