"""The pages on which people sign in to DRF's browsable API, and out of it."""

from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.http import HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions
from rest_framework.authentication import SessionAuthentication
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.renderers import BaseRenderer, TemplateHTMLRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from drf_ratchet import parsers
from drf_ratchet.browser.cookies import IN_COOKIES
from drf_ratchet.browser.views import BrowserLoginView, BrowserLogoutView
from drf_ratchet.sessions.grant import Transport, django_request


class HasCSRFToken(BasePermission):
    """403 for a form that is not of this site; for signing in as well.

    Django's own check, with the form's token and the ``Origin``. Otherwise another site could sign
    a browser in as somebody else, who then reads what its owner writes.
    """

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether it comes from one of our forms.

        Raises:
            PermissionDenied: it does not; the text says why.
        """
        if request.method not in SAFE_METHODS:
            SessionAuthentication().enforce_csrf(request)
        return True


class LoginFormParser(parsers.FormParser):
    """The fields of DRF's form, whose first is ``username`` whatever the user model calls it."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """The form, with the account under the name that throttles and serializer look for."""
        fields = super().parse(stream, media_type, parser_context).copy()
        name = get_user_model().USERNAME_FIELD
        if name not in fields and "username" in fields:
            fields[name] = fields["username"]
        return fields


class _AlwaysAPage(DefaultContentNegotiation):
    """A form is answered with a page, whatever a browser says that it takes."""

    def select_renderer(
        self, request: Any, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        return renderers[0], renderers[0].media_type


class LoginPage(BrowserLoginView):
    """Sign in by DRF's form: the sign-in of ``token/``, with both tokens in cookies.

    A login that is bent by a ``serializer_class`` of its own is put in place by subclassing; what
    it has for further fields, its own ``template_name`` has to show.
    """

    #: A page for people is in no description of the API, as DRF's own is not.
    schema: Any = None
    http_method_names = ["get", "head", "post", "options"]
    permission_classes = (HasCSRFToken,)
    parser_classes: Any = (LoginFormParser,)
    renderer_classes = (TemplateHTMLRenderer,)
    content_negotiation_class = _AlwaysAPage
    template_name = "rest_framework/login.html"

    def get_transport(self) -> Transport:
        """Both in cookies, whatever ``ACCESS_TOKEN_COOKIE`` says: a page keeps nothing."""
        return IN_COOKIES

    def get(self, request: Request) -> Response:
        """The form."""
        return Response(self._context(request))

    def post(self, request: Request) -> Any:
        """Sign in and go on."""
        signed_in = super().post(request)
        return _go_on(signed_in, _next(request) or resolve_url(settings.LOGIN_REDIRECT_URL))

    def shape(self, error: exceptions.APIException) -> None:
        """As for any client, and kept for the form."""
        self._refusal = error
        super().shape(error)

    def handle_exception(self, exc: Exception) -> Response:
        """The form again, and what was wrong, under the status that any client would get."""
        response = super().handle_exception(exc)
        response.data = self._context(self.request, self._refusal)
        response.exception = False  # DRF would look for a template named by the status
        return response

    def _context(
        self, request: Request, refusal: exceptions.APIException | None = None
    ) -> dict[str, Any]:
        """What DRF's template shows: the shape of a Django form, as far as it looks."""
        name = get_user_model().USERNAME_FIELD
        said: Any = {} if refusal is None else refusal.detail
        said = said if isinstance(said, dict) else {"detail": said}
        # Of the fields that the form has; and what is about none of them.
        by_field = {one: said.get(one, ()) for one in (name, "password")}
        others = {one: texts for one, texts in said.items() if one not in by_field}
        rest = _sentences(others.get("detail", others))
        field: Any = get_user_model()._meta.get_field(name)
        return {
            "form": {
                "username": {
                    "label": capfirst(field.verbose_name),
                    "value": _field(request, name),
                    "errors": " ".join(map(str, by_field[name])),
                },
                "password": {
                    "label": _("Password"),
                    "errors": " ".join(map(str, by_field["password"])),
                },
                "non_field_errors": rest,
            },
            "next": _next(request),
        }


class LogoutPage(BrowserLogoutView):
    """Sign out by the link of DRF's pages: end the session, take the cookies back, and go on."""

    schema: Any = None
    permission_classes = (HasCSRFToken,)
    parser_classes: Any = (parsers.FormParser,)

    def post(self, request: Request) -> Any:
        """To ``next``, ``LOGOUT_REDIRECT_URL`` or the form to sign in."""
        home = resolve_url(settings.LOGOUT_REDIRECT_URL or "rest_framework:login")
        return _go_on(super().post(request), _next(request) or home)


def _sentences(detail: Any) -> list[str]:
    """The texts of an error, however deep."""
    if not isinstance(detail, dict | list | tuple):
        return [str(detail)]
    parts = detail.values() if isinstance(detail, dict) else detail
    return [text for part in parts for text in _sentences(part)]


def _go_on(response: HttpResponseBase, where: str) -> HttpResponseBase:
    """Send the browser there, with the cookies of a response."""
    onward = HttpResponseRedirect(where)
    onward.cookies = response.cookies
    return onward


def _next(request: Request) -> str:
    """Where to go on, of the form or the address; "" for nowhere, and for another site."""
    where = _field(request, "next") or request.query_params.get("next", "")
    http = django_request(request)
    is_ours = url_has_allowed_host_and_scheme(
        where, allowed_hosts={http.get_host()}, require_https=http.is_secure()
    )
    return where if is_ours else ""


def _field(request: Request, name: str) -> str:
    """A field of the form; "" where there is none, or no form that can be read."""
    if request.method != "POST":
        return ""
    try:
        data = request.data
    except exceptions.APIException:
        return ""
    value = data.get(name, "") if hasattr(data, "get") else ""
    return str(value)
