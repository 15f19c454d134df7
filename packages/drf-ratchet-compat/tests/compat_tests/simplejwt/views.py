"""Views as projects write them around simplejwt's token classes."""

import json
from typing import Any

from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework_simplejwt.serializers import TokenRefreshSerializer
from rest_framework_simplejwt.tokens import RefreshToken
from rest_framework_simplejwt.views import TokenRefreshView


class Me(APIView):
    """Who signed in."""

    def get(self, request: Request) -> Response:
        """Return the name of the user."""
        return Response({"username": request.user.get_username()})


class Open(APIView):
    """A view that reads its tokens itself."""

    permission_classes = [AllowAny]
    authentication_classes: list[Any] = []


class LogOut(Open):
    """The logout of a hundred tutorials."""

    def post(self, request: Request) -> Response:
        """Blacklist the refresh token."""
        RefreshToken(request.data["refresh"]).blacklist()
        return Response(status=205)


class FailingLogOut(Open):
    """A logout that fails after it blacklisted the token."""

    def post(self, request: Request) -> Response:
        """Blacklist the refresh token, and refuse."""
        RefreshToken(request.data["refresh"]).blacklist()
        raise ValidationError("Another field is missing.")


@csrf_exempt
def log_out(request: HttpRequest) -> JsonResponse:
    """Blacklist the refresh token, without DRF."""
    RefreshToken(json.loads(request.body)["refresh"]).blacklist()
    return JsonResponse({})


class CopiedRotation(Open):
    """simplejwt's rotation, copied into a project's view."""

    def post(self, request: Request) -> Response:
        """Rotate the refresh token."""
        refresh = RefreshToken(request.data["refresh"])
        data = {"access": str(refresh.access_token)}
        refresh.blacklist()
        refresh.set_jti()
        refresh.set_exp()
        refresh.set_iat()
        data["refresh"] = str(refresh)
        return Response(data)


class SplitRotation(Open):
    """The same in two functions."""

    def post(self, request: Request) -> Response:
        """Rotate the refresh token."""
        refresh = RefreshToken(request.data["refresh"])
        access = str(refresh.access_token)
        self.spend(refresh)
        return Response({"access": access, "refresh": self.renew(refresh)})

    def spend(self, refresh: RefreshToken) -> None:
        """Blacklist it."""
        refresh.blacklist()

    def renew(self, refresh: RefreshToken) -> str:
        """Make a new one of it."""
        refresh.set_jti()
        refresh.set_exp()
        return str(refresh)


class Replacement(Open):
    """A rotation that makes a new token object for the user."""

    def post(self, request: Request) -> Response:
        """Blacklist the refresh token, and issue another."""
        from django.contrib.auth import get_user_model

        old = RefreshToken(request.data["refresh"])
        old.blacklist()
        user = get_user_model()._default_manager.get(pk=old["user_id"])
        new = RefreshToken.for_user(user)
        return Response({"access": str(new.access_token), "refresh": str(new)})


class NamedRefreshSerializer(TokenRefreshSerializer):
    """A subclass that adds to what simplejwt answers."""

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Add a member."""
        return {**super().validate(attrs), "name": "added"}


class SubclassedRefresh(TokenRefreshView):
    """simplejwt's view with the subclass."""

    serializer_class = NamedRefreshSerializer
