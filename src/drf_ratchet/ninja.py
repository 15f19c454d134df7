"""Authenticate Django Ninja's operations: the extra ``drf-ratchet[ninja]``."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError
from ninja.security.http import HttpAuthBase
from rest_framework.exceptions import NotAuthenticated

from drf_ratchet.authentication import REALM, JWTAuthentication, aauthenticate
from drf_ratchet.exceptions import RequestRefused
from ratchet_tokens.claims import Claims


class JWTAuth(HttpAuthBase):
    """Authenticates an operation: ``NinjaAPI(auth=JWTAuth())``.

    ``request.user`` is the user and ``request.auth`` the claims. Call ``respond_to_refusals`` with
    the API, too.

    Args:
        by: the class that authenticates, for example ``ImmediateJWTAuthentication``.
    """

    openapi_scheme = "bearer"

    def __init__(self, by: type[JWTAuthentication] = JWTAuthentication) -> None:
        self.by = by
        super().__init__()

    def __call__(self, request: HttpRequest) -> Claims | None:
        """Return the claims; None if the request has no token.

        Raises:
            RequestRefused: the token is refused, or cannot be verified now.
        """
        signed_in = self.by().authenticate(request)
        if signed_in is None:
            return None
        request.user, claims = signed_in
        return claims


class AsyncJWTAuth(JWTAuth):
    """Authenticates an operation whose function is ``async def``, without blocking the event loop.

    The user may be lazy: ``await request.auser()`` loads it.

    Args:
        by: as for ``JWTAuth``.
    """

    async def __call__(self, request: HttpRequest) -> Claims | None:  # type: ignore[override]
        """Return the claims; None if the request has no token.

        Raises:
            RequestRefused: the token is refused, or cannot be verified now.
        """
        signed_in = await aauthenticate(request, self.by)
        return None if signed_in is None else signed_in[1]


def respond_to_refusals(api: NinjaAPI) -> None:
    """Have an API respond to refusals as the endpoints of drf-ratchet do.

    Args:
        api: the API whose operations use `JWTAuth` or `AsyncJWTAuth`.
    """

    def respond(request: HttpRequest, status: int, body: Any, headers: Any) -> HttpResponse:
        response = api.create_response(request, body, status=status)
        for name, value in headers.items():
            response[name] = value
        return response

    @api.exception_handler(RequestRefused)
    def refused(request: HttpRequest, refusal: RequestRefused) -> HttpResponse:
        return respond(request, refusal.status_code, refusal.detail, refusal.headers)

    @api.exception_handler(AuthenticationError)
    def not_authenticated(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
        missing = NotAuthenticated()  # in the request's language
        body = {"detail": str(missing.detail), "code": missing.default_code}
        return respond(request, 401, body, {"WWW-Authenticate": REALM})
