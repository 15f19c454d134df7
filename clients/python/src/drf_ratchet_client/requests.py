"""Requests of requests, signed in."""

from functools import partial
from typing import Any

from requests import PreparedRequest, Response
from requests.auth import AuthBase
from requests.cookies import extract_cookies_to_jar
from requests.exceptions import UnrewindableBodyError
from requests.utils import rewind_body
from urllib3.util import parse_url

from drf_ratchet_client.answers import is_token_refused
from drf_ratchet_client.errors import not_repeated
from drf_ratchet_client.session import Grant, RatchetSession


class RatchetAuth(AuthBase):
    """Put access tokens on requests to the API: ``requests.Session().auth = RatchetAuth(session)``.

    Requests to other origins, and those with an ``Authorization`` of their own, are sent as they
    are. All of ``RatchetSession.access_token``'s errors may be raised, and ``not_repeated``: the
    server has refused a token, and the request's body is a stream that cannot be sent again.

    Args:
        session: whose tokens; any number of ``requests.Session`` may share it.
    """

    def __init__(self, session: RatchetSession) -> None:
        self._session = session

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Give a request a token, and look at its answer."""
        if self._is_foreign(request):
            return request
        grant = self._session.grant()
        request.headers["Authorization"] = f"Bearer {grant.access}"
        request.register_hook("response", partial(self._answered, request, grant))
        return request

    def _is_foreign(self, request: PreparedRequest) -> bool:
        # Read as requests reads it when it sends.
        url = parse_url(request.url or "")
        host = (url.host or "").strip("[]")
        ours = self._session.owns(url.scheme or "", host, url.port)
        return not ours or "Authorization" in request.headers

    def _answered(
        self, request: PreparedRequest, grant: Grant, response: Response, **options: Any
    ) -> Response:
        challenge = response.headers.get("WWW-Authenticate", "")
        # The hook stays with the request where it is redirected; the answer there is as it is.
        if response.request is not request or not is_token_refused(response.status_code, challenge):
            return response
        _ = response.content  # so that the connection can be used again
        response.close()
        new = self._session.grant(after=grant)
        again = request.copy()
        _rewind(again)
        again.headers["Authorization"] = f"Bearer {new.access}"
        if again._cookies is not None:
            extract_cookies_to_jar(again._cookies, request, response.raw)
            again.prepare_cookies(again._cookies)
        answer = response.connection.send(again, **options)
        answer.history.append(response)
        answer.request = again
        return answer


def _rewind(request: PreparedRequest) -> None:
    if request.body is None or isinstance(request.body, str | bytes):
        return
    try:
        rewind_body(request)
    except UnrewindableBodyError:
        raise not_repeated() from None
