"""The serializers of both generations."""

from functools import partial
from typing import Any

from django.contrib.auth import get_user_model
from rest_framework import serializers

from drf_ratchet.bounds import MAX_CREDENTIAL_LENGTH
from drf_ratchet.exceptions import NoActiveAccount
from drf_ratchet.limited_refresh import limit_refreshes
from drf_ratchet.serializers import sign_in_serializer
from drf_ratchet.sessions.subject import is_active
from drf_ratchet_compat.drf_jwt.acting import actor_of
from drf_ratchet_compat.drf_jwt.compat import PasswordField, Serializer, get_username_field
from drf_ratchet_compat.drf_jwt.exceptions import InvalidTokenError
from drf_ratchet_compat.drf_jwt.generations import GENERATIONS, Generation, Why
from drf_ratchet_compat.drf_jwt.issuing import Issued, issue
from drf_ratchet_compat.drf_jwt.reading import Payload, why_refused
from drf_ratchet_compat.drf_jwt.refreshing import renew
from drf_ratchet_compat.drf_jwt.settings import api_settings
from drf_ratchet_compat.drf_jwt.utils import check_payload, check_user, unix_epoch
from ratchet_tokens.errors import TokenRefused


class TokenSerializer(Serializer):
    """What the serializers share. ``validated_data`` has token, user and issued_at."""

    #: "1.11" or "1.19"; None for the view's, and without one JWT_GENERATION's.
    generation_name: str | None = None

    @property
    def generation(self) -> Generation:
        """Whose sentences it says."""
        named: Generation | None = self.context.get("generation")
        if self.generation_name is not None:
            return GENERATIONS[self.generation_name]
        return named or api_settings.generation

    def create_payload(self, user: Any) -> dict[str, Any]:
        """What a new token is to say of a user: ``JWT_PAYLOAD_HANDLER``."""
        handler = api_settings.for_generation("JWT_PAYLOAD_HANDLER", self.generation)
        payload: dict[str, Any] = dict(handler(user))
        return payload

    def hand_out(self, issued: Issued) -> dict[str, Any]:
        """What is validated, once a token is made."""
        return {"token": issued.token, "user": issued.user, "issued_at": issued.claims["iat"]}

    def refusal(self, why: Why) -> serializers.ValidationError:
        """The 400 for a reason."""
        return serializers.ValidationError(self.generation.in_a_body[why])


class JSONWebTokenSerializer(TokenSerializer):
    """A login: credentials in, the first token of a session out."""

    token = serializers.CharField(read_only=True)

    @property
    def username_field(self) -> str:
        """The user model's ``USERNAME_FIELD``."""
        return get_username_field()

    def get_fields(self) -> dict[str, Any]:
        """The account's field and the password, then what a subclass declares."""
        credential = partial(
            serializers.CharField, max_length=MAX_CREDENTIAL_LENGTH, write_only=True
        )
        return {
            self.username_field: credential(),
            "password": PasswordField(max_length=MAX_CREDENTIAL_LENGTH, write_only=True),
            **super().get_fields(),
        }

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Sign in.

        What ``SIGN_IN_SERIALIZER`` asks for beside the password, it asks for here as well.

        Raises:
            ValidationError: no such account, a wrong password, or not active.
        """
        login = sign_in_serializer()(data=self.initial_data, context=self.context)
        login.is_valid(raise_exception=True)
        request = self.context.get("request")
        try:
            # The name and the password as the old package took them: it trimmed both.
            user = login.authenticate(login.get_credentials({**login.validated_data, **attrs}))
            payload = self.create_payload(user)
            return self.hand_out(issue(user, payload, request=request, amr=login.amr))
        except NoActiveAccount:
            raise self.refusal(Why.BAD_LOGIN) from None


class VerificationBaseSerializer(TokenSerializer):
    """A token in."""

    token = serializers.CharField()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """For subclasses."""
        raise NotImplementedError("Please define a validate method.")

    def _check_payload(self, token: str) -> Payload:
        return check_payload(token, self.generation, request=self.context.get("request"))

    def _check_user(self, payload: Payload) -> Any:
        return check_user(payload, self.generation)


class VerifyAuthTokenSerializer(VerificationBaseSerializer):
    """Is this token good, and its session alive?"""

    generation_name = "1.19"

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Verify; writes nothing."""
        token = attrs["token"]
        payload = self._check_payload(token)
        user = self._check_user(payload)
        return {"token": token, "user": user, "issued_at": payload.get("iat")}


class VerifyJSONWebTokenSerializer(VerifyAuthTokenSerializer):
    """The same, as 1.11 says it."""

    generation_name = "1.11"


class RefreshAuthTokenSerializer(VerificationBaseSerializer):
    """A token in, the next one of its session out."""

    generation_name = "1.19"

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refresh: within ``JWT_REFRESH_EXPIRATION_DELTA`` of the sign-in.

        Raises:
            ValidationError: the token is refused.
            Throttled: this session refreshes too often.
        """
        payload = self._check_payload(attrs["token"])
        user = self._check_user(payload)
        new_payload = {**self.create_payload(user), **self.kept(payload)}
        limit_refreshes(payload.session, self.context.get("request"))
        try:
            return self.hand_out(renew(payload, new_payload, request=self.context.get("request")))
        except InvalidTokenError as refused:
            raise self.refusal(refused.why) from None

    def kept(self, payload: Payload) -> dict[str, Any]:
        """What the new token takes over from the one that was brought."""
        original = payload.get("orig_iat")
        if original is None:
            raise self.refusal(Why.NO_ORIG_IAT)
        if unix_epoch() > original + api_settings.refresh_window:
            raise self.refusal(Why.WINDOW_OVER)
        token_id = payload.get("orig_jti") or payload.get("jti")
        if token_id and api_settings.JWT_TOKEN_ID != "off":
            return {"orig_iat": original, "orig_jti": token_id}
        if api_settings.JWT_TOKEN_ID == "require":
            raise self.refusal(Why.NO_TOKEN_ID)
        return {"orig_iat": original}


class RefreshJSONWebTokenSerializer(RefreshAuthTokenSerializer):
    """The same, as 1.11 says it."""

    generation_name = "1.11"


class ImpersonateAuthTokenSerializer(TokenSerializer):
    """A user in, a token of a session of theirs out, that says who acts in it."""

    generation_name = "1.19"

    class Meta:
        fields = ("user",)

    def get_fields(self) -> dict[str, Any]:
        """The user, by primary key."""
        everybody: Any = get_user_model()._default_manager
        user: Any = serializers.PrimaryKeyRelatedField(queryset=everybody.all())
        return {**super().get_fields(), "user": user}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Impersonate.

        Raises:
            ValidationError: the user may not sign in, or whoever acts is signed in no more.
        """
        user = attrs["user"]
        if not is_active(user):
            raise self.refusal(Why.DISABLED)
        request = self.context.get("request")
        try:
            actor = actor_of(request)
        except TokenRefused as refused:
            raise self.refusal(why_refused(refused.reason, None)) from None
        try:
            payload = self.create_payload(user)
            return self.hand_out(issue(user, payload, request=request, actor=actor))
        except NoActiveAccount:
            raise self.refusal(Why.DISABLED) from None
