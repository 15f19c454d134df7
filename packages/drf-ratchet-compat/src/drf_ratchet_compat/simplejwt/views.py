"""The refresh endpoint of drf-ratchet, which takes simplejwt's refresh tokens too.

A project that moves on to drf-ratchet's own names first names these. Each client gets a pair of
drf-ratchet at its next refresh, in the same session. One refresh lifetime later the project names
drf-ratchet's classes and takes the bridge out.
"""

from typing import Any

from django.views.decorators.debug import sensitive_variables
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import RefreshToken

from drf_ratchet import serializers, views
from drf_ratchet.limited_refresh import count_refusal
from drf_ratchet.sessions.grant import Grant
from drf_ratchet_compat.old_tokens import is_old
from drf_ratchet_compat.simplejwt.sessions import native_claims, task
from ratchet_tokens.errors import Reason, TokenRefused


class TokenRefreshSerializer(serializers.TokenRefreshSerializer):
    """A refresh token of drf-ratchet or of simplejwt in, a new pair of drf-ratchet out."""

    @sensitive_variables()
    def create(self, validated_data: dict[str, Any]) -> Grant:
        """Refresh the session, and return its new tokens.

        Raises:
            TokenRefused, Throttled, BadIdempotencyKey: as there.
        """
        text = validated_data["refresh"]
        if not is_old(text):
            return super().create(validated_data)
        try:
            with task(self.request):
                claims = native_claims(RefreshToken(text).payload)
        except TokenError:
            count_refusal(self.request)
            raise TokenRefused(Reason.SESSION_ENDED) from None
        return super().create({**validated_data, "refresh": claims})


class TokenRefreshView(views.TokenRefreshView):
    """Refresh: exchange a refresh token for a new pair of tokens of drf-ratchet."""

    serializer_class = TokenRefreshSerializer
