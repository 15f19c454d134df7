"""Views that say who is signed in, one for each freshness."""

from copy import copy
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import User
from django.urls import include, path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from drf_ratchet.authentication import JWTAuthentication
from drf_ratchet.sessions import keep_session


def whoami(of: str) -> Any:
    class Authentication(JWTAuthentication):
        freshness = of

    class View(APIView):
        authentication_classes = [Authentication]

        def get(self, request: Request) -> Response:
            return Response({"id": request.user.pk, "username": request.user.get_username()})

    return View.as_view()


class Account(APIView):
    """What happens to a user: another password, which this device outlives, or their end."""

    def post(self, request: Request) -> Response:
        with keep_session(request.auth):
            request.user.set_password(request.data["password"])
            request.user.save()
        return Response()

    def patch(self, request: Request) -> Response:
        request.user.is_active = False
        request.user.save()
        return Response()

    def delete(self, request: Request) -> Response:
        # Not the lazy user: its deletion is a question of its own.
        User.objects.get(pk=request.user.pk).delete()
        return Response()


class Elsewhere(APIView):
    """Looks at the user while another tenant is chosen."""

    def get_authenticators(self) -> Any:
        made = JWTAuthentication()
        made.freshness = self.request.GET["freshness"]
        return [made]

    def get(self, request: Request) -> Response:
        with elsewhere():
            user = copy(request.user) if "copy" in request.GET else request.user
            try:
                return Response({"username": user.get_username()})
            except RuntimeError as error:
                refused = str(error)
        return Response({"refused": refused, "username": request.user.get_username()})


def elsewhere() -> Any:
    """Choose the public schema, or the default database."""
    if hasattr(settings, "TENANT_MODEL"):
        from django_tenants.utils import schema_context

        return schema_context("public")
    from tests.tenants.databases import use_tenant

    return use_tenant("default")


urlpatterns = [
    path("elsewhere/", Elsewhere.as_view()),
    path("account/", Account.as_view()),
    *(path(f"whoami/{of}/", whoami(of)) for of in ("immediate", "bounded", "expiry")),
    path("api/", include("drf_ratchet.urls")),
    path("admin/", admin.site.urls),
]
