"""The views of the pages to sign in to DRF's browsable API, and to log out."""

from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import FieldDoesNotExist
from django.http import HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import resolve_url
from django.urls import NoReverseMatch, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

# Not in our message catalogs: Django's admin has these texts in every language.
from django.utils.translation import gettext_lazy as of_django
from rest_framework import exceptions
from rest_framework.renderers import BaseRenderer, TemplateHTMLRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from drf_ratchet import parsers
from drf_ratchet.browser.cookies import IN_COOKIES
from drf_ratchet.browser.cross_site import HasCSRFToken
from drf_ratchet.browser.pages import LoginFormParser
from drf_ratchet.browser.views import BrowserLoginView, BrowserLogoutView
from drf_ratchet.sessions.device import django_request
from drf_ratchet.sessions.grant import Transport

#: The form's own names for the two fields that every sign-in has.
_USERNAME, _PASSWORD = "username", "password"


class LoginPage(BrowserLoginView):
    """Sign in by DRF's form: as ``token/`` does, with both tokens in cookies.

    If ``SIGN_IN_SERIALIZER`` asks for more than a name and a password, the form of
    ``drf_ratchet/login.html`` has its further fields.
    """

    #: Like DRF's own page, it is not in the OpenAPI document and has no version.
    schema: Any = None
    versioning_class = None
    http_method_names = ["get", "head", "post", "options"]
    permission_classes = (HasCSRFToken,)
    parser_classes: Any = (LoginFormParser,)
    #: The project's own template. None: DRF's, or ours if DRF's does not fit.
    template_name: str | None = None

    @property
    def username_field(self) -> str:
        """Return the serializer's field that names the account."""
        default = get_user_model().USERNAME_FIELD
        return str(getattr(self.get_serializer(), "username_field", default))

    def get_renderers(self) -> list[BaseRenderer]:
        """Return the renderer of a page, for any ``Accept`` header."""
        return [TemplateHTMLRenderer()]

    def get_transport(self) -> Transport:
        """Return both in cookies, for any ``ACCESS_TOKEN_COOKIE``: a page cannot keep tokens."""
        return IN_COOKIES

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return the page with the empty form."""
        return Response(self._context(request))

    def post(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        """Sign in and redirect to ``next`` or ``LOGIN_REDIRECT_URL``."""
        signed_in = super().post(request, *args, **kwargs)
        return _go_on(signed_in, _next(request) or _url_of(settings.LOGIN_REDIRECT_URL, request))

    def get_template_names(self) -> list[str]:
        """Return the project's template, DRF's, or ours.

        DRF's template has two fields. It links to ``rest_framework:login`` without the arguments
        that the URL captured.
        """
        if self.template_name is not None:
            return [self.template_name]
        serializer: Any = self.get_serializer()
        fields = serializer.fields
        inputs = {name for name, field in fields.items() if not field.read_only}
        try:
            reverse("rest_framework:login")
        except NoReverseMatch:
            inputs = set()
        fits = inputs == {self.username_field, _PASSWORD}
        return ["rest_framework/login.html" if fits else "drf_ratchet/login.html"]

    def shape(self, error: exceptions.APIException) -> None:
        """Shape the error as for any client, and keep it for the form."""
        self._refusal = error
        super().shape(error)

    def handle_exception(self, exc: Exception) -> Response:
        """Return the form with its errors, and the status that any client would get."""
        response = super().handle_exception(exc)
        # Make a new response: the one of the project's exception handler may have no data.
        page = Response(self._context(self.request, self._refusal), status=response.status_code)
        for name in ("WWW-Authenticate", "Retry-After"):
            if name in response:
                page[name] = response[name]
        return page

    def _context(
        self, request: Request, refusal: exceptions.APIException | None = None
    ) -> dict[str, Any]:
        """Return the template's context: a Django form, as far as DRF's template uses it."""
        detail: Any = {} if refusal is None else refusal.detail
        errors = detail if isinstance(detail, dict) else {"detail": detail}
        serializer: Any = self.get_serializer()
        fields = {
            _USERNAME if name == self.username_field else name: {
                "label": self._label(name, field),
                "value": "" if name == _PASSWORD else _field(request, name),
                "errors": " ".join(_sentences(errors.get(name, ()))),
                "type": field.style.get("input_type", "text"),
                "required": field.required,
            }
            for name, field in serializer.fields.items()
            if not field.read_only
        }
        # Errors that belong to no field.
        others = {name: texts for name, texts in errors.items() if name not in serializer.fields}
        rest = _sentences(others.get("detail", others))
        form = {**fields, "non_field_errors": rest}
        submit = of_django("Log in")
        return {"form": form, "fields": fields, "submit": submit, "next": _next(request)}

    def _label(self, name: str, field: Any) -> Any:
        if name == _PASSWORD:
            return _("Password")
        if name != self.username_field:
            return field.label
        try:
            model_field: Any = get_user_model()._meta.get_field(name)
        except FieldDoesNotExist:
            return field.label
        return capfirst(model_field.verbose_name)


class LogoutPage(BrowserLogoutView):
    """Log out by the link of DRF's pages: end the session, delete the cookies, and redirect."""

    schema: Any = None
    versioning_class = None
    permission_classes = (HasCSRFToken,)
    parser_classes: Any = (parsers.FormParser,)

    def post(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        """Redirect to ``next``, ``LOGOUT_REDIRECT_URL`` or the form to sign in."""
        signed_out = super().post(request, *args, **kwargs)
        return _go_on(signed_out, _next(request) or _home(request))


def _sentences(detail: object) -> list[str]:
    """Return the texts of an error, at any depth."""
    if not isinstance(detail, dict | list | tuple):
        return [str(detail)]
    parts = detail.values() if isinstance(detail, dict) else detail
    return [text for part in parts for text in _sentences(part)]


def _go_on(response: HttpResponseBase, where: str) -> HttpResponseBase:
    """Return a redirect with the cookies of a response."""
    onward = HttpResponseRedirect(where)
    onward.cookies = response.cookies
    return onward


def _home(request: Request) -> str:
    """Return the URL to go to after a logout: ``LOGOUT_REDIRECT_URL``, else the sign-in form."""
    if settings.LOGOUT_REDIRECT_URL:
        return _url_of(settings.LOGOUT_REDIRECT_URL, request)
    match = django_request(request).resolver_match
    namespace = (match and match.namespace) or "rest_framework"
    return _url_of(f"{namespace}:login", request)


def _url_of(where: Any, request: Request) -> str:
    """Return the URL of a redirect setting: as Django resolves it, else with this URL's arguments.

    Args:
        where: the name of a URL, or a URL.
        request: the current request.
    """
    try:
        return resolve_url(where)
    except NoReverseMatch:
        match = django_request(request).resolver_match
        if match is None or not (match.args or match.kwargs):
            raise
        return resolve_url(where, *match.args, **match.kwargs)


def _next(request: Request) -> str:
    """Return ``next`` of the form or the query string; "" if missing or of another site."""
    where = _field(request, "next") or request.query_params.get("next", "")
    http = django_request(request)
    is_ours = url_has_allowed_host_and_scheme(
        where, allowed_hosts={http.get_host()}, require_https=http.is_secure()
    )
    return where if is_ours else ""


def _field(request: Request, name: str) -> str:
    """Return a field of the form; "" if it is missing, or the form cannot be parsed."""
    if request.method != "POST":
        return ""
    try:
        data = request.data
    except exceptions.APIException:
        return ""
    value = data.get(name, "") if hasattr(data, "get") else ""
    return str(value)
