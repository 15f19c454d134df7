"""A token, to be blacklisted."""

from typing import Any

from rest_framework import serializers

from drf_ratchet_compat.drf_jwt.blacklist.models import prune_if_asked
from drf_ratchet_compat.drf_jwt.settings import api_settings
from drf_ratchet_compat.drf_jwt.signing_out import sign_out
from drf_ratchet_compat.drf_jwt.utils import check_payload


class BlacklistTokenSerializer(serializers.Serializer[Any]):
    """Ends the session of a token; ``data`` is the body of drf-jwt."""

    token = serializers.CharField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Verify.

        Raises:
            ValidationError: the token is refused.
        """
        request = self.context.get("request")
        return {**attrs, "payload": check_payload(attrs.get("token", ""), request=request)}

    def create(self, validated_data: dict[str, Any]) -> Any:
        """End the session."""
        sign_out(validated_data["payload"], request=self.context.get("request"))
        prune_if_asked()
        # drf-jwt stored no token where ids were enough, and answered what it had stored.
        hidden = api_settings.JWT_TOKEN_ID == "require"
        return {"token": None if hidden else validated_data["token"]}
