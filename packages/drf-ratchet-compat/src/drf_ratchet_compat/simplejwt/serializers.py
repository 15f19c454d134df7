"""simplejwt's serializers."""

from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import update_last_login
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions, serializers
from rest_framework.exceptions import AuthenticationFailed, ValidationError

from drf_ratchet.limited_refresh import limit_refreshes
from drf_ratchet.models import Session
from drf_ratchet.serializers import idempotency_key, user_of
from drf_ratchet.sessions import store
from drf_ratchet.sessions.device import device_of
from drf_ratchet.sessions.freshness import living_user
from drf_ratchet.sessions.grant import in_utc
from drf_ratchet.sessions.refreshing import read_alive, refresh_session
from drf_ratchet.sessions.rotation import Outcome
from drf_ratchet_compat.simplejwt import old
from drf_ratchet_compat.simplejwt.authentication import (
    AuthUser,
    default_user_authentication_rule,
)
from drf_ratchet_compat.simplejwt.base import Token
from drf_ratchet_compat.simplejwt.exceptions import TokenError
from drf_ratchet_compat.simplejwt.sessions import token_error
from drf_ratchet_compat.simplejwt.settings import api_settings
from drf_ratchet_compat.simplejwt.tokens import (
    BlacklistMixin,
    RefreshToken,
    SlidingToken,
    UntypedToken,
)
from drf_ratchet_compat.simplejwt.wire import SLIDING
from ratchet_tokens.claims import Kind
from ratchet_tokens.errors import Reason, TokenRefused

__all__ = [
    "AuthUser",
    "PasswordField",
    "TokenBlacklistSerializer",
    "TokenObtainPairSerializer",
    "TokenObtainSerializer",
    "TokenObtainSlidingSerializer",
    "TokenRefreshSerializer",
    "TokenRefreshSlidingSerializer",
    "TokenVerifySerializer",
]

_MAX_CREDENTIAL = 4096


class PasswordField(serializers.CharField):
    """A field that is written and never shown."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("style", {})["input_type"] = "password"
        kwargs["write_only"] = True
        kwargs.setdefault("max_length", _MAX_CREDENTIAL)
        super().__init__(*args, **kwargs)


class TokenObtainSerializer(serializers.Serializer[Any]):
    """Credentials in; what comes out is for subclasses. ``self.user`` is the user."""

    username_field: str = get_user_model().USERNAME_FIELD
    token_class: type[Token] | None = None

    default_error_messages = {
        "no_active_account": _("No active account found with the given credentials")
    }

    user: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields[self.username_field] = serializers.CharField(
            write_only=True, max_length=_MAX_CREDENTIAL
        )
        self.fields["password"] = PasswordField()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Find the user.

        Raises:
            AuthenticationFailed: there is none, or none who may sign in.
        """
        credentials = {name: attrs[name] for name in (self.username_field, "password")}
        self.user = user_of(credentials, self.context.get("request"))
        if not api_settings.USER_AUTHENTICATION_RULE(self.user):
            raise exceptions.AuthenticationFailed(
                self.error_messages["no_active_account"], "no_active_account"
            )
        return {}

    @classmethod
    def get_token(cls, user: Any) -> Any:
        """A token for a user. A subclass adds claims: ``token["email"] = user.email``."""
        assert cls.token_class is not None, f"{cls.__name__} has no token_class."  # noqa: S101
        return cls.token_class.for_user(user)

    def _signed_in(self) -> Any:
        """The token, opened from the device of this request."""
        token = self.get_token(self.user)
        token.request = self.context.get("request")
        if api_settings.UPDATE_LAST_LOGIN:
            update_last_login(None, self.user)  # type: ignore[arg-type]
        return token


class TokenObtainPairSerializer(TokenObtainSerializer):
    """Credentials in, a pair out."""

    token_class = RefreshToken

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Sign in."""
        data = super().validate(attrs)
        refresh = self._signed_in()
        return {**data, "refresh": str(refresh), "access": str(refresh.access_token)}


class TokenObtainSlidingSerializer(TokenObtainSerializer):
    """Credentials in, a sliding token out."""

    token_class = SlidingToken

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Sign in."""
        data = super().validate(attrs)
        return {**data, "token": str(self._signed_in())}


class TokenRefreshSerializer(serializers.Serializer[Any]):
    """A refresh token in, an access token out, and where the session rotates a refresh token."""

    refresh = serializers.CharField()
    access = serializers.CharField(read_only=True)
    token_class = RefreshToken

    default_error_messages = {
        "no_active_account": _("No active account found for the given token.")
    }

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refresh.

        Raises:
            TokenError: the token is no good.
            AuthenticationFailed: its user may not go on.
            Throttled: this session refreshes too often.
            BadIdempotencyKey: the header is there and not allowed.
        """
        request = self.context.get("request")
        refresh = self.token_class(attrs["refresh"])
        refresh.request = request
        claims = refresh.refresh_claims
        self._check_rule(refresh)
        limit_refreshes(claims, request)
        own = refresh.custom_claims
        try:
            grant = refresh_session(
                claims,
                request=request,
                idempotency_key=idempotency_key(request),
                get_claims=lambda user: own,
                idle=refresh.lifetime,
            )
        except TokenRefused as refused:
            if refused.reason is Reason.USER_INACTIVE:
                raise self._no_active_account() from None
            raise token_error(refused.reason) from None
        if grant.outcome is not Outcome.HOLD:
            refresh.of(grant.session)
            return {"access": _access(refresh, grant.access), "refresh": str(refresh)}
        if api_settings.ROTATE_REFRESH_TOKENS:
            # simplejwt hands out a new one, and the old one stays good.
            until = grant.issued_at + refresh.lifetime
            if not _prolong(grant.session, grant.issued_at, until, request):
                raise token_error(Reason.SESSION_ENDED)
            held = str(refresh.of(grant.session))
            return {"access": _access(refresh, grant.access), "refresh": held}
        refresh.session = grant.session
        return {"access": _access(refresh, grant.access)}

    def _check_rule(self, refresh: RefreshToken) -> None:
        rule = api_settings.USER_AUTHENTICATION_RULE
        if rule is default_user_authentication_rule:
            return  # the session's own rule says no less
        if not rule(refresh.session.user):
            raise self._no_active_account()

    def _no_active_account(self) -> AuthenticationFailed:
        return AuthenticationFailed(self.error_messages["no_active_account"], "no_active_account")


class TokenRefreshSlidingSerializer(serializers.Serializer[Any]):
    """A sliding token in, one with a later expiry out."""

    token = serializers.CharField()
    token_class = SlidingToken

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refresh.

        Raises:
            TokenError: the token is no good, or not to be refreshed any more.
            Throttled: this session refreshes too often.
        """
        token = self.token_class(attrs["token"])
        token.request = self.context.get("request")
        token.check_exp(api_settings.SLIDING_TOKEN_REFRESH_EXP_CLAIM)
        claims = token.refresh_claims
        limit_refreshes(claims, self.context.get("request"))
        try:
            read = read_alive(claims)
        except TokenRefused as refused:
            raise token_error(refused.reason) from None
        token.session = read.session
        if not _prolong(read.session, read.now, read.session.expires_at, token.request):
            raise token_error(Reason.SESSION_ENDED)
        token.set_exp()
        token.set_iat()
        return {"token": str(token)}


class TokenVerifySerializer(serializers.Serializer[Any]):
    """A token of any type."""

    token = serializers.CharField(write_only=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Check it, and that its session is alive.

        Raises:
            TokenError: it is no good.
            ValidationError: its session has ended.
        """
        token = UntypedToken(attrs["token"])
        try:
            _check_session(token, attrs["token"])
        except (TokenError, TokenRefused) as refused:
            raise ValidationError(_("Token is blacklisted")) from refused
        return {}


class TokenBlacklistSerializer(serializers.Serializer[Any]):
    """A refresh token in; its session ends."""

    refresh = serializers.CharField(write_only=True)
    token_class = RefreshToken

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Sign the device out.

        Raises:
            TokenError: the token is no good, or its session has ended before.
        """
        refresh = self.token_class(attrs["refresh"])
        refresh.request = self.context.get("request")
        refresh.blacklist()
        return {}


def _access(refresh: RefreshToken, minted: str) -> str:
    """The access token: the one just minted, unless the project makes its own."""
    kind = type(refresh)
    is_theirs = (
        kind.access_token is not RefreshToken.access_token
        or kind.access_token_class is not RefreshToken.access_token_class
        or kind.no_copy_claims is not RefreshToken.no_copy_claims
    )
    return str(refresh.access_token) if is_theirs else minted


def _prolong(session: Session, now: datetime, expires_at: datetime, request: Any) -> bool:
    """Write that the session was used, and until when it lives on; False if it has ended."""
    ends_at = in_utc(session.ends_at or expires_at)
    changes = {"expires_at": min(in_utc(expires_at), ends_at), "rotated_at": now}
    return store.change(session, {**changes, **device_of(request)._asdict()})


def _check_session(token: UntypedToken, text: str) -> None:
    payload = token.payload
    if payload.is_old:
        old.check_not_ended(payload)
    elif payload.kind in _WITH_REFRESH:
        _WITH_REFRESH[payload.kind](text)
    elif payload.kind == Kind.ACCESS:
        living_user(payload)


_WITH_REFRESH: dict[str, type[BlacklistMixin]] = {
    Kind.REFRESH: RefreshToken,
    SLIDING: SlidingToken,
}
