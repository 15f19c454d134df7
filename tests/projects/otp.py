"""A second factor in the sign-in's serializer, as docs/howto/login-fields.md has it."""

import secrets
from typing import Any

from rest_framework import serializers

from drf_ratchet.exceptions import NoActiveAccount
from drf_ratchet.serializers import TokenObtainPairSerializer


class CodeSerializer(TokenObtainPairSerializer):
    code = serializers.CharField(max_length=16, write_only=True)

    def get_credentials(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return {**super().get_credentials(attrs), "code": attrs["code"]}

    def authenticate(self, credentials: dict[str, Any]) -> Any:
        from django_otp import match_token

        code = credentials.pop("code")
        user = super().authenticate(credentials)
        if match_token(user, code) is None:
            raise NoActiveAccount
        return user


def code_for(user: Any) -> dict[str, str]:
    """Return a code that signs a user in once."""
    from django_otp.plugins.otp_static.models import StaticDevice

    device, _ = StaticDevice.objects.get_or_create(user=user, name="paper")
    return {"code": device.token_set.create(token=secrets.token_hex(4)).token}
