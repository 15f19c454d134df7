"""simplejwt's endpoints, ours beside them, and views of a project."""

from typing import Any

from django.contrib import admin
from django.urls import include, path
from rest_framework.decorators import api_view
from rest_framework.response import Response

from drf_ratchet_compat.simplejwt import views
from drf_ratchet_compat.simplejwt.tokens import RefreshToken


@api_view()
def protected(request: Any) -> Response:
    return Response({"user": request.user.get_username(), "claims": dict(request.auth.payload)})


@api_view(["POST"])
def logout(request: Any) -> Response:
    RefreshToken(request.data["refresh"]).blacklist()
    return Response({"detail": "Logout successful."})


urlpatterns = [
    path("token/", views.TokenObtainPairView.as_view()),
    path("token/refresh/", views.TokenRefreshView.as_view()),
    path("token/sliding/refresh/", views.TokenRefreshSlidingView.as_view()),
    path("token/verify/", views.TokenVerifyView.as_view()),
    path("token/blacklist/", views.TokenBlacklistView.as_view()),
    path("logout/", logout),
    path("protected/", protected),
    path("ours/", include("drf_ratchet.urls")),
    path("admin/", admin.site.urls),
]
