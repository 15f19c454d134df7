"""What the demo shows to a person with a browser."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.generic import TemplateView
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework.request import Request
from rest_framework.response import Response

from blog.demo_users import DEMO_USERS, PASSWORD

#: The page's own files and nothing else: no script within the page, no style in an attribute, no
#: other origin. Its forms are sent by its script; one that were sent by the browser itself, before
#: the script is there, would put a password into an address.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)

#: Swagger UI's own: it makes styles and pictures as it goes along.
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
    """The blog, and what its sign-in does, to be tried in the browser or with curl."""

    template_name = "blog/home.html"
    extra_context = {"users": DEMO_USERS, "password": PASSWORD}

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Answer with the page, which may load its own files and nothing else."""
        response = super().get(request, *args, **kwargs)
        response["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
        return response


class ApiDocs(SpectacularSwaggerSplitView):  # its script is not within the page
    """Swagger UI: what the API takes and answers, to be tried."""

    authentication_classes = ()

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Answer with the page, or with its script."""
        response: Response = super().get(request, *args, **kwargs)  # type: ignore[no-untyped-call]
        response["Content-Security-Policy"] = DOCS_SECURITY_POLICY
        return response
