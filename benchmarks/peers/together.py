"""All of them in one project and one process, a view for each way to sign a request in.

So that they can be measured in turns. Settings as in each package's own project here and, for what
those do not have, as in its documentation: drf-jwt's and knox's defaults with their authentication
classes, Django's session with DRF's ``SessionAuthentication``.
"""

from datetime import timedelta

from django.core.wsgi import get_wsgi_application
from django.urls import include, path

from peers import path_of
from peers.project import configure

configure(
    __name__,
    apps=[
        "rest_framework",
        "drf_ratchet",
        "rest_framework_simplejwt.token_blacklist",
        "rest_framework_jwt",
        "knox",
        "drf_sessions",
    ],
    # No limits: the load comes from one address.
    REST_FRAMEWORK={
        "DEFAULT_THROTTLE_RATES": dict.fromkeys(
            (
                *("sign_in", "sign_in_address", "sign_in_account", "sign_in_success"),
                *("refresh", "refresh_failures"),
            )
        )
    },
    SIMPLE_JWT={"ROTATE_REFRESH_TOKENS": True, "BLACKLIST_AFTER_ROTATION": True},
    DRF_SESSIONS={
        "ACCESS_TOKEN_TTL": timedelta(minutes=15),
        "REFRESH_TOKEN_TTL": timedelta(days=7),
        "ROTATE_REFRESH_TOKENS": True,
        "ENFORCE_SINGLE_SESSION": False,
        "MAX_SESSIONS_PER_USER": 5,
    },
)

from django.contrib.auth.models import User  # noqa: E402
from drf_sessions.auth import BearerAuthentication  # noqa: E402
from drf_sessions.services import SessionService  # noqa: E402
from knox.auth import TokenAuthentication  # noqa: E402
from rest_framework.authentication import (  # noqa: E402
    BaseAuthentication,
    SessionAuthentication,
)
from rest_framework.permissions import AllowAny, IsAuthenticated  # noqa: E402
from rest_framework.request import Request  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView  # noqa: E402
from rest_framework_jwt.authentication import JSONWebTokenAuthentication  # noqa: E402
from rest_framework_simplejwt.authentication import (  # noqa: E402
    JWTAuthentication as SimpleJWTAuthentication,
)
from rest_framework_simplejwt.views import (  # noqa: E402
    TokenObtainPairView,
    TokenRefreshView,
)

from drf_ratchet.authentication import (  # noqa: E402
    ImmediateJWTAuthentication,
    JWTAuthentication,
)


class Bounded(JWTAuthentication):
    freshness = "bounded"


class Expiry(JWTAuthentication):
    freshness = "expiry"


class Anybody(BaseAuthentication):
    """Does nothing: what DRF itself spends on having an authenticator."""

    user = User()

    def authenticate(self, request: Request) -> tuple[User, None]:
        return self.user, None


class Hello(APIView):
    """What is asked for; who asks is all that differs."""

    authentication_classes: list[type] = []
    permission_classes = [AllowAny]

    def get(self, request: Request) -> Response:
        return Response({"message": "hello"})


class DRFSessionsRefresh(APIView):
    """The view of its README."""

    authentication_classes: list[type] = []
    permission_classes = [AllowAny]

    def post(self, request: Request) -> Response:
        issued = SessionService.refresh_token(request.data["refresh_token"])
        if not issued:
            return Response({"error": "Invalid or expired token"}, status=401)
        return Response({"access": issued.access_token, "refresh_token": issued.refresh_token})


#: By the names under which they are reported.
WAYS = {
    "an authenticator that does nothing": Anybody,
    "drf-ratchet, bounded": Bounded,
    "drf-ratchet, expiry": Expiry,
    "drf-ratchet, immediate": ImmediateJWTAuthentication,
    "djangorestframework-simplejwt": SimpleJWTAuthentication,
    "drf-jwt": JSONWebTokenAuthentication,
    "django-rest-knox": TokenAuthentication,
    "drf-sessions": BearerAuthentication,
    "Django's session": SessionAuthentication,
}


urlpatterns = [
    path("bare/", Hello.as_view()),
    *(
        path(
            path_of(name).lstrip("/"),
            Hello.as_view(authentication_classes=[way], permission_classes=[IsAuthenticated]),
        )
        for name, way in WAYS.items()
    ),
    path("api/", include("drf_ratchet.urls")),
    path("simplejwt/token/", TokenObtainPairView.as_view()),
    path("simplejwt/token/refresh/", TokenRefreshView.as_view()),
    path("drf-sessions/refresh/", DRFSessionsRefresh.as_view()),
]
application = get_wsgi_application()
