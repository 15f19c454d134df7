from kinds.tokens import Kiosk, Machine
from rest_framework_simplejwt.serializers import (
    TokenBlacklistSerializer,
    TokenObtainPairSerializer,
    TokenRefreshSerializer,
)


class Obtain(TokenObtainPairSerializer):
    token_class = Kiosk


class Refresh(TokenRefreshSerializer):
    token_class = Kiosk


class RefreshMachine(TokenRefreshSerializer):
    token_class = Machine


class Blacklist(TokenBlacklistSerializer):
    token_class = Kiosk
