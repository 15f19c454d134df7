from keys.tokens import Refresh as RefreshToken
from keys.tokens import Untyped
from rest_framework.serializers import ValidationError
from rest_framework_simplejwt.serializers import (
    TokenBlacklistSerializer,
    TokenObtainPairSerializer,
    TokenRefreshSerializer,
    TokenVerifySerializer,
)
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken


class Obtain(TokenObtainPairSerializer):
    token_class = RefreshToken


class Refresh(TokenRefreshSerializer):
    token_class = RefreshToken


class Blacklist(TokenBlacklistSerializer):
    token_class = RefreshToken


class Verify(TokenVerifySerializer):
    def validate(self, attrs):
        token = Untyped(attrs["token"])
        if BlacklistedToken.objects.filter(token__jti=token["jti"]).exists():
            raise ValidationError("Token is blacklisted")
        return {}
