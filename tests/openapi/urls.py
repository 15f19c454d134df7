"""All of our urls, and what a project derives from our views and serializers."""

from typing import Any

from django.urls import include, path
from drf_ratchet_compat.simplejwt.authentication import JWTAuthentication as SimpleJWT
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import DefaultRouter

from drf_ratchet import views
from drf_ratchet.authentication import ImmediateJWTAuthentication, JWTAuthentication
from drf_ratchet.browser.authentication import CookieJWTAuthentication
from drf_ratchet.serializers import TokenObtainPairSerializer
from drf_ratchet_compat.drf_jwt import views as drf_jwt
from drf_ratchet_compat.drf_jwt.authentication import JSONWebTokenAuthentication
from drf_ratchet_compat.drf_jwt.blacklist.views import BlacklistView
from drf_ratchet_compat.simplejwt import views as simplejwt


class LoginSerializer(TokenObtainPairSerializer):
    """One field more to be sent, and one more to be had."""

    remember = serializers.BooleanField(default=False, write_only=True)
    name = serializers.CharField(read_only=True)

    def get_response_data(self, grant: Any) -> dict[str, Any]:
        return {**super().get_response_data(grant), "name": grant.session.user.username}


class LoginView(views.TokenObtainPairView):
    """A sign-in of the project's."""

    serializer_class = LoginSerializer


class Redirected(serializers.Serializer[Any]):
    """What another sign-in answers."""

    to = serializers.CharField()


class AnnotatedView(views.TokenObtainPairView):
    """A sign-in that the project has described."""

    @extend_schema(summary="Ours", responses={200: Redirected})
    def post(self, request: Request) -> Response:
        return super().post(request)


@extend_schema(tags=["mine"], responses={204: None})
class ClassAnnotatedView(views.LogoutView):
    """A logout whose class the project has described."""


class OwnAuthentication(JWTAuthentication):
    """As projects derive theirs."""


class NoteSerializer(serializers.Serializer[Any]):
    """Something."""

    text = serializers.CharField()
    #: Names that our own bodies have as well, for other things.
    reason = serializers.ChoiceField(choices=["lost", "found"])
    code = serializers.ChoiceField(choices=["a", "b"])


class OtherNoteSerializer(NoteSerializer):
    """The same choices in a second component."""


class NoteView(generics.RetrieveAPIView[Any]):
    """A view of the project's own."""

    serializer_class = NoteSerializer
    permission_classes = (IsAuthenticated,)
    authentication_classes = (OwnAuthentication, ImmediateJWTAuthentication)


class OtherNoteView(NoteView):
    """And another, for each way to sign in."""

    serializer_class = OtherNoteSerializer
    authentication_classes = (  # type: ignore[assignment]
        JWTAuthentication,
        CookieJWTAuthentication,
        JSONWebTokenAuthentication,
        SimpleJWT,
    )


router = DefaultRouter()
router.register("blacklist", BlacklistView, basename="blacklist")

urlpatterns = [
    path("", include("drf_ratchet.well_known")),
    path("api/", include("drf_ratchet.urls")),
    path("api/browser/", include("drf_ratchet.browser.urls")),
    path("api/", include("drf_ratchet.services.urls")),
    path("drf-jwt/auth/", drf_jwt.obtain_jwt_token),
    path("drf-jwt/refresh/", drf_jwt.refresh_jwt_token),
    path("drf-jwt/verify/", drf_jwt.verify_jwt_token),
    path("drf-jwt/impersonate/", drf_jwt.impersonate_jwt_token),
    path("drf-jwt/older/auth/", drf_jwt.ObtainJSONWebToken.as_view()),
    path("drf-jwt/older/refresh/", drf_jwt.RefreshJSONWebToken.as_view()),
    path("drf-jwt/older/verify/", drf_jwt.VerifyJSONWebToken.as_view()),
    path("drf-jwt/", include(router.urls)),
    path("simplejwt/token/", simplejwt.token_obtain_pair),
    path("simplejwt/token/refresh/", simplejwt.token_refresh),
    path("simplejwt/sliding/", simplejwt.token_obtain_sliding),
    path("simplejwt/sliding/refresh/", simplejwt.token_refresh_sliding),
    path("simplejwt/verify/", simplejwt.token_verify),
    path("simplejwt/blacklist/", simplejwt.token_blacklist),
    path("own/login/", LoginView.as_view()),
    path("own/annotated/", AnnotatedView.as_view()),
    path("own/logout/", ClassAnnotatedView.as_view()),
    path("own/notes/<int:id>/", NoteView.as_view()),
    path("own/others/<int:id>/", OtherNoteView.as_view()),
]
