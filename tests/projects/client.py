"""Requests to the project's own WSGI or ASGI application, as a server would make them."""

from __future__ import annotations

import asyncio
import io
import sys
from collections.abc import Callable, Iterable
from typing import Any

import httpx

Application = Callable[..., Any]


class WSGITransport(httpx.BaseTransport):
    """Call a WSGI application in this thread, as a server with one worker does.

    Args:
        application: what to call.
        address: the client's, which becomes ``REMOTE_ADDR``.
        stripped: the part of the path that a proxy in front takes away.
        forwards: whether the proxy tells where a request comes from.
    """

    # httpx has one, which takes no header with a byte beyond ASCII.
    def __init__(
        self, application: Application, address: str, stripped: str = "", forwards: bool = False
    ) -> None:
        self._application = application
        self._address = address
        self._stripped = stripped
        self._forwards = forwards

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        sent = request.read()
        url = request.url
        environ = {
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": url.scheme,
            "wsgi.input": io.BytesIO(sent),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
            "REQUEST_METHOD": request.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": httpx.URL(url).path.removeprefix(self._stripped),
            "QUERY_STRING": url.query.decode("ascii"),
            "SERVER_NAME": url.host,
            "SERVER_PORT": "443",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": self._address,
        }
        for name, value in request.headers.raw:
            key = name.decode("ascii").upper().replace("-", "_")
            if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
                key = f"HTTP_{key}"
            environ[key] = value.decode("latin-1")
        if self._forwards:
            told = environ.get("HTTP_X_FORWARDED_FOR")
            environ["HTTP_X_FORWARDED_FOR"] = ", ".join(filter(None, [told, self._address]))
            environ["HTTP_X_FORWARDED_PROTO"] = url.scheme
            environ["HTTP_X_FORWARDED_HOST"] = environ["HTTP_HOST"]
            environ |= {"REMOTE_ADDR": "10.0.0.1", "wsgi.url_scheme": "http", "HTTP_HOST": "app"}
        said: list[Any] = []

        def start_response(status: str, headers: Any, exc_info: Any = None) -> None:
            said[:] = [status, headers]

        body: Any = self._application(environ, start_response)
        try:
            content = b"".join(body)
        finally:
            if hasattr(body, "close"):
                body.close()  # Django ends the request here
        status, headers = said
        return httpx.Response(int(status.split()[0]), headers=_raw(headers), content=content)


class ASGITransport(httpx.BaseTransport):
    """Call an ASGI application, each time in a new event loop and so in new threads.

    Args:
        application: what to call.
        address: the client's.
    """

    def __init__(self, application: Application, address: str) -> None:
        self._transport = httpx.ASGITransport(application, client=(address, 1))

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return asyncio.run(self._answered(request))

    async def _answered(self, request: httpx.Request) -> httpx.Response:
        sent = httpx.Request(
            request.method, request.url, headers=request.headers, content=request.read()
        )
        response = await self._transport.handle_async_request(sent)
        content = await response.aread()
        return httpx.Response(response.status_code, headers=response.headers, content=content)


def _raw(headers: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
