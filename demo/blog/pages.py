"""The demo's HTML pages: the home page and Swagger UI."""

from typing import Any

from django.apps import apps
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.views.generic import TemplateView
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework.request import Request
from rest_framework.response import Response

from blog.demo_users import DEMO_USERS, PASSWORD

#: Allow the page's own files only: no inline script, no inline style, no other origin.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        f"form-action {settings.FORM_ACTION}",
        "frame-ancestors 'none'",
    )
)

#: For Swagger UI, which creates inline styles and data: images.
DOCS_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)


class HomePage(TemplateView):
    """The home page: try the blog and its sign-in in the browser or with curl."""

    template_name = "blog/home.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return the demo's users, and what the page offers besides the password."""
        accounts = apps.is_installed("drf_ratchet.allauth")
        if accounts:
            get_token(self.request)  # has the response set the cookie that the script reads
        return super().get_context_data(
            users=DEMO_USERS,
            password=PASSWORD,
            accounts=accounts,
            provider=getattr(settings, "PROVIDER", None),
            **kwargs,
        )

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Return the page, with a policy that allows its own files only."""
        response = super().get(request, *args, **kwargs)
        response["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
        return response


class ApiDocs(SpectacularSwaggerSplitView):  # "Split": the policy forbids an inline script
    """Swagger UI: read and try the API."""

    authentication_classes = ()

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return the page or its script, with a policy for Swagger UI."""
        response: Response = super().get(request, *args, **kwargs)  # type: ignore[no-untyped-call]
        response["Content-Security-Policy"] = DOCS_SECURITY_POLICY
        return response
