"""Views that say who is signed in, one for each freshness."""

from typing import Any

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


urlpatterns = [
    path("account/", Account.as_view()),
    *(path(f"whoami/{of}/", whoami(of)) for of in ("immediate", "bounded", "expiry")),
    path("api/", include("drf_ratchet.urls")),
    path("admin/", admin.site.urls),
]
