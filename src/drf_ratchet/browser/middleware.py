"""Keeps people signed in to DRF's browsable API, whose pages have no script of ours."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.debug import sensitive_variables
from rest_framework import exceptions
from rest_framework.permissions import SAFE_METHODS

from drf_ratchet.authentication import verify_access
from drf_ratchet.browser.authentication import BrowsableAPIAuthentication, wants_page
from drf_ratchet.browser.cookies import (
    IN_COOKIES,
    cookie_name,
    key_of,
    set_cookies,
    token_of,
)
from drf_ratchet.browser.cross_site import comes_from_us
from drf_ratchet.exceptions import Busy, in_contract_shape
from drf_ratchet.limited_refresh import refresh_for_client
from drf_ratchet.sessions import store
from drf_ratchet.sessions.grant import Grant
from drf_ratchet.sessions.refreshing import check_refresh, read_refresh
from ratchet_tokens.claims import Kind, RefreshClaims, session_id
from ratchet_tokens.errors import TokenRefused

# "private" as well: the first releases of Django 5.2 look at nothing else before they cache a page.
_UNCACHED = "no-store, private"


class BrowsableAPIMiddleware:
    """Refreshes the access token in the cookie before a page needs it.

    Only for views with ``BrowsableAPIAuthentication``, when a browser requests a page with an
    invalid access token and a valid refresh token. The response sets the new cookies. If it is
    lost, the browser still has the old ones, among them the key that identifies a retry.

    It runs before the view, and thus outside of the view's ``ATOMIC_REQUESTS``.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Return the view's response, with the new cookies if there are any."""
        response = self.get_response(request)
        grant: Grant | None = getattr(request, "_ratchet_grant", None)
        if grant is not None:
            response["Cache-Control"] = _UNCACHED
            if _is_latest(grant):
                set_cookies(response, grant, IN_COOKIES)
        return response

    @sensitive_variables()  # an error report shows no token
    def process_view(
        self, request: HttpRequest, view: object, args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        """Refresh if needed. Returns None to let the view run."""
        token = _refreshable(request) if _is_browsable(view) and wants_page(request) else None
        if token is None:
            return None
        try:
            # This writes nothing. It spares a refresh of a session that has ended.
            check_refresh(token)
            return self._refresh(request, token)
        except TokenRefused:
            return None

    def _refresh(self, request: HttpRequest, token: RefreshClaims) -> HttpResponseBase | None:
        try:
            grant = refresh_for_client(
                token, request=request, idempotency_key=key_of(request), transport=IN_COOKIES
            )
        except (exceptions.Throttled, Busy) as refusal:
            return _refused(refusal)
        request._ratchet_grant = grant  # type: ignore[attr-defined]
        # For the view's own authentication.
        request.COOKIES[cookie_name(Kind.COOKIE_ACCESS)] = grant.access
        return None


def _is_browsable(view: object) -> bool:
    """Return whether this is a DRF view with ``BrowsableAPIAuthentication``."""
    initial = getattr(view, "initkwargs", {})
    default = getattr(getattr(view, "cls", None), "authentication_classes", ())
    classes = initial.get("authentication_classes", default) or ()
    return any(issubclass(one, BrowsableAPIAuthentication) for one in classes)


def _refreshable(request: HttpRequest) -> RefreshClaims | None:
    """Return the refresh token's claims, if it is valid and the access token is not."""
    refresh = token_of(request, Kind.COOKIE_REFRESH)
    if refresh is None or "HTTP_AUTHORIZATION" in request.META:
        return None
    # SameSite=Strict has kept other sites out. A sibling subdomain is the same site.
    if request.method not in SAFE_METHODS and not comes_from_us(request):
        return None
    try:
        token = read_refresh(refresh, kind=Kind.COOKIE_REFRESH, request=request)
    except TokenRefused:
        return None
    return None if _has_access(request, token) else token


def _has_access(request: HttpRequest, token: RefreshClaims) -> bool:
    """Return whether the access token is valid and of the refresh token's session."""
    access = token_of(request, Kind.COOKIE_ACCESS)
    try:
        claims = verify_access(access, Kind.COOKIE_ACCESS, request=request)
    except TokenRefused:
        return False
    return session_id(claims) == token.session


def _is_latest(grant: Grant) -> bool:
    """Return whether the tokens are still the session's latest after the view has run.

    A view may be slow. If the user signed out meanwhile, the cookies would sign in again. If
    another tab refreshed meanwhile, they would hold a used token.
    """
    read = store.read(grant.session.pk)
    return (
        read is not None
        and read.session.ended_at is None
        and read.session.generation == grant.session.generation
    )


def _refused(refusal: exceptions.APIException) -> HttpResponse:
    """Return the refusal as plain text, with its status and ``Retry-After``."""
    body: Any = in_contract_shape(refusal).detail
    response = HttpResponse(str(body["detail"]), status=refusal.status_code)
    response["Content-Type"] = "text/plain; charset=utf-8"
    wait: float | None = getattr(refusal, "wait", None)
    if wait is not None:
        response["Retry-After"] = str(max(1, int(wait)))
    return response
