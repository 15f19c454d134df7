"""Requests of httpx, signed in."""

from collections.abc import AsyncGenerator, Generator

import httpx

from drf_ratchet_client.answers import is_token_refused
from drf_ratchet_client.errors import not_repeated
from drf_ratchet_client.session import Grant, RatchetSession


class RatchetAuth(httpx.Auth):
    """Put access tokens on requests to the API: ``httpx.Client(auth=RatchetAuth(session))``.

    For ``httpx.AsyncClient``, on asyncio, as well. Requests to other origins, and those with an
    ``Authorization`` of their own, are sent as they are. All of ``RatchetSession.access_token``'s
    errors may be raised, and ``not_repeated``: the server has refused a token, and the request's
    body is a stream that cannot be sent again.

    Args:
        session: whose tokens; any number of clients may share it.
    """

    def __init__(self, session: RatchetSession) -> None:
        self._session = session

    def sync_auth_flow(
        self, request: httpx.Request
    ) -> Generator[httpx.Request, httpx.Response, None]:
        """Send with a token; where the server refuses it, once more with the next one."""
        if self._is_foreign(request):
            yield request
            return
        grant = self._session.grant()
        response = yield _with_token(request, grant)
        if _is_refused(request, response):
            grant = self._session.grant(after=grant)
            yield _again(request, grant)

    async def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Send with a token; where the server refuses it, once more with the next one."""
        if self._is_foreign(request):
            yield request
            return
        grant = await self._session.agrant()
        response = yield _with_token(request, grant)
        if _is_refused(request, response):
            grant = await self._session.agrant(after=grant)
            yield _again(request, grant)

    def _is_foreign(self, request: httpx.Request) -> bool:
        url = request.url
        ours = self._session.owns(url.scheme, url.raw_host.decode("ascii").strip("[]"), url.port)
        return not ours or "Authorization" in request.headers


def _with_token(request: httpx.Request, grant: Grant) -> httpx.Request:
    request.headers["Authorization"] = f"Bearer {grant.access}"
    return request


def _is_refused(request: httpx.Request, response: httpx.Response) -> bool:
    # After a redirect the first address has already done what it was asked for.
    was_redirected = response.request is not request
    challenge = ", ".join(response.headers.get_list("WWW-Authenticate"))
    return not was_redirected and is_token_refused(response.status_code, challenge)


def _again(request: httpx.Request, grant: Grant) -> httpx.Request:
    if not isinstance(request.stream, httpx.ByteStream):
        raise not_repeated()
    return _with_token(request, grant)
