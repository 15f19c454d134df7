"""What the demo shows to a person with a browser."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.generic import TemplateView

from blog.demo_users import DEMO_USERS, PASSWORD


class HomePage(TemplateView):
    """What this is, whom to sign in as, and where the endpoints are."""

    template_name = "blog/home.html"
    extra_context = {"users": DEMO_USERS, "password": PASSWORD}

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Answer with the page, which may load its own style sheet and nothing else."""
        response = super().get(request, *args, **kwargs)
        response["Content-Security-Policy"] = (
            "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none';"
            " frame-ancestors 'none'"
        )
        return response
