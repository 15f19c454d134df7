"""drf-sessions: the settings and the two views of its README's "Quick Start".

Rotation (ROTATE_REFRESH_TOKENS) and the end of a session on reuse (REVOKE_SESSION_ON_REUSE) are its
defaults.
"""

from datetime import timedelta

from django.core.wsgi import get_wsgi_application
from django.urls import path

from peers.project import configure

configure(
    __name__,
    apps=["rest_framework", "drf_sessions"],
    REST_FRAMEWORK={"DEFAULT_AUTHENTICATION_CLASSES": ["drf_sessions.auth.BearerAuthentication"]},
    DRF_SESSIONS={
        "ACCESS_TOKEN_TTL": timedelta(minutes=15),
        "REFRESH_TOKEN_TTL": timedelta(days=7),
        "ROTATE_REFRESH_TOKENS": True,
        "ENFORCE_SINGLE_SESSION": False,
        "MAX_SESSIONS_PER_USER": 5,
    },
)

from django.contrib.auth import authenticate  # noqa: E402
from drf_sessions.services import SessionService  # noqa: E402
from drf_sessions.types import IssuedSession  # noqa: E402
from rest_framework.permissions import AllowAny  # noqa: E402
from rest_framework.request import Request  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView  # noqa: E402


class LoginView(APIView):
    permission_classes = [AllowAny]

    def post(self, request: Request) -> Response:
        user = authenticate(
            username=request.data.get("username"), password=request.data.get("password")
        )
        if user is None:
            return Response({"error": "Invalid credentials"}, status=401)
        return tokens(SessionService.create_header_session(user=user))


class RefreshView(APIView):
    permission_classes = [AllowAny]

    def post(self, request: Request) -> Response:
        issued = SessionService.refresh_token(request.data["refresh_token"])
        if not issued:
            return Response({"error": "Invalid or expired token"}, status=401)
        return tokens(issued)


def tokens(issued: IssuedSession) -> Response:
    return Response({"access_token": issued.access_token, "refresh_token": issued.refresh_token})


urlpatterns = [
    path("api/login/", LoginView.as_view()),
    path("api/refresh/", RefreshView.as_view()),
]
application = get_wsgi_application()
