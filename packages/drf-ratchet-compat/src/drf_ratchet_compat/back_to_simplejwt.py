"""The way back: for simplejwt itself, so that it takes the tokens that were handed out here.

A project whose imports name simplejwt again keeps ``"drf_ratchet_compat.simplejwt"`` in
``INSTALLED_APPS`` and names these two classes in ``SIMPLE_JWT`` for as long as a refresh token
lives. Every refresh then hands out simplejwt's tokens. This module alone needs simplejwt itself.
"""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import AuthenticationFailed
from rest_framework_simplejwt import exceptions as theirs
from rest_framework_simplejwt import serializers, tokens
from rest_framework_simplejwt.settings import api_settings

from drf_ratchet.serializers import idempotency_key
from drf_ratchet.sessions import store
from drf_ratchet.sessions.freshness import living_user
from drf_ratchet.sessions.refreshing import refresh_session
from drf_ratchet.sessions.rotation import Outcome
from drf_ratchet_compat.simplejwt.exceptions import TokenError
from drf_ratchet_compat.simplejwt.sessions import token_error
from drf_ratchet_compat.simplejwt.tokens import AccessToken as OurAccessToken
from drf_ratchet_compat.simplejwt.tokens import RefreshToken as OurRefreshToken
from ratchet_tokens.errors import TokenRefused


class TokenRefreshSerializer(serializers.TokenRefreshSerializer):
    """For ``TOKEN_REFRESH_SERIALIZER``: a refresh token of ours, or simplejwt's own.

    Ours is refreshed by our rule, once for all tabs, and answered with simplejwt's tokens. One of
    simplejwt's own that became a session here counts as that session: what was logged out stays so.
    """

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refresh."""
        try:
            refresh = OurRefreshToken(attrs["refresh"])
            if refresh.payload.is_old and not self._was_adopted(refresh):
                answer: dict[str, Any] = super().validate(attrs)
                return answer
            return self._exchange(refresh)
        except TokenError as error:
            raise theirs.TokenError(*error.args) from None
        except TokenRefused as refused:
            raise theirs.TokenError(*token_error(refused.reason).args) from None

    def _was_adopted(self, refresh: OurRefreshToken) -> bool:
        return store.exists(refresh.old_session_id)

    def _exchange(self, refresh: OurRefreshToken) -> dict[str, Any]:
        request = self.context.get("request")
        grant = refresh_session(
            refresh.refresh_claims, request=request, idempotency_key=idempotency_key(request)
        )
        user: Any = grant.session.user
        if not api_settings.USER_AUTHENTICATION_RULE(user):
            raise AuthenticationFailed(_("No active account found for the given token."))
        if grant.outcome is Outcome.HOLD and not api_settings.ROTATE_REFRESH_TOKENS:
            # The client keeps its token, and asks again with it.
            made = tokens.RefreshToken()
            made[api_settings.USER_ID_CLAIM] = str(getattr(user, api_settings.USER_ID_FIELD))
            return {"access": str(_with_claims(made, refresh).access_token)}
        made = _with_claims(tokens.RefreshToken.for_user(user), refresh)
        return {"access": str(made.access_token), "refresh": str(made)}


class AccessToken(tokens.AccessToken):
    """For ``AUTH_TOKEN_CLASSES``, beside simplejwt's own: an access token of ours."""

    def __init__(self, token: Any = None, verify: bool = True) -> None:
        try:
            ours = OurAccessToken(token, verify)
            if ours.payload.is_old:
                raise TokenError(_("Token is invalid"))
            living_user(ours.payload)
        except TokenError as error:
            raise theirs.TokenError(*error.args) from None
        except TokenRefused as refused:
            raise theirs.TokenError(*token_error(refused.reason).args) from None
        self.token, self.payload, self.current_time = token, dict(ours.payload), ours.current_time


def _with_claims(made: Any, refresh: OurRefreshToken) -> Any:
    for name, value in refresh.custom_claims.items():
        made[name] = value
    return made
