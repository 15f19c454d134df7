"""Views, serializers and permissions that a project derives from ours."""

from collections.abc import Mapping
from typing import Any

from rest_framework.permissions import IsAdminUser, IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView

from drf_ratchet.authentication import JWTAuthentication
from drf_ratchet.browser.authentication import CookieJWTAuthentication
from drf_ratchet.permissions import IsOwner, RecentSignIn
from drf_ratchet.serializers import TokenObtainPairSerializer
from drf_ratchet.sessions import Grant
from drf_ratchet.throttling import SignInThrottle
from drf_ratchet.views import TokenObtainPairView


class WithRole(TokenObtainPairSerializer):
    def get_claims(self, user: Any) -> Mapping[str, Any]:
        return {"role": user.role}

    def get_response_data(self, grant: Grant) -> dict[str, Any]:
        return {**super().get_response_data(grant), "user": str(grant.session.user)}


class SignIn(TokenObtainPairView):
    serializer_class = WithRole
    throttle_classes = (SignInThrottle,)


class Transfer(APIView):
    authentication_classes = [JWTAuthentication, CookieJWTAuthentication]
    permission_classes = [IsAuthenticated, RecentSignIn(minutes=10), IsOwner | IsAdminUser]

    def get(self, request: Any) -> Response:
        return Response({"sub": request.auth["sub"]})


class Wrong(TokenObtainPairSerializer):
    def get_response_data(self, grant: str) -> dict[str, Any]:  # type: ignore[override]
        return {}


RecentSignIn(10)  # type: ignore[call-arg]
RecentSignIn(minutes="10")  # type: ignore[arg-type]
