"""What the endpoints take, and the places where a project bends a login."""

from collections.abc import Mapping
from typing import Any

from django.contrib.auth import authenticate, get_user_model
from django.core.exceptions import ValidationError
from rest_framework import serializers
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.validators import ProhibitSurrogateCharactersValidator

from drf_ratchet.conf import ratchet_settings
from drf_ratchet.exceptions import BadIdempotencyKey, NoActiveAccount
from drf_ratchet.models import Session
from drf_ratchet.sessions.grant import HEADER, Grant, Transport
from drf_ratchet.sessions.opening import open_session
from drf_ratchet.sessions.refreshing import read_refresh, refresh_session
from drf_ratchet.sessions.subject import is_active
from drf_ratchet.throttling import Counter

_MAX_CREDENTIAL = 4096
_MAX_IDEMPOTENCY_KEY = 128


class GrantSerializer(serializers.Serializer[Any]):
    """Common to all that hand out tokens. ``validated_data`` is the response body.

    The context's ``transport`` says how the tokens travel.
    """

    #: What was handed out, once validated: for a view that puts tokens elsewhere than in the body.
    grant: Grant | None = None

    def get_claims(self, user: Any) -> Mapping[str, Any]:
        """Claims for this access token, on top of the setting ``CLAIMS``.

        A refresh mints by its own serializer: what should be in every access token belongs into
        the setting, or into both serializers.

        Args:
            user: whose token it is.
        """
        return {}

    def get_response_data(self, grant: Grant) -> dict[str, Any]:
        """The response body. ``grant.session.user`` is the user.

        A token that travels in a cookie is not in this grant: it is empty here.
        """
        tokens = {"access": grant.access, "refresh": grant.refresh}
        return {name: token for name, token in tokens.items() if token}

    @property
    def transport(self) -> Transport:
        """How the tokens travel."""
        transport: Transport = self.context.get("transport", HEADER)
        return transport

    def hand_out(self, grant: Grant) -> dict[str, Any]:
        """Keep the grant and return the body, in which is no token that travels in a cookie."""
        self.grant = grant
        return self.get_response_data(self.transport.in_body(grant))

    @property
    def request(self) -> Request | None:
        """The request at hand, None outside of a view."""
        return self.context.get("request")


class TokenObtainPairSerializer(GrantSerializer):
    """A login: credentials in, a pair of tokens out.

    Each step can be overridden by itself: ``get_credentials``, ``authenticate``, ``get_claims``,
    ``get_response_data``. Further fields are declared as in any serializer.
    """

    @property
    def username_field(self) -> str:
        """The name of the field that names the account: the user model's ``USERNAME_FIELD``."""
        return str(get_user_model().USERNAME_FIELD)

    def get_fields(self) -> dict[str, Any]:
        """The account's field and the password, then what a subclass declares."""
        return {
            self.username_field: serializers.CharField(max_length=_MAX_CREDENTIAL, write_only=True),
            "password": serializers.CharField(
                max_length=_MAX_CREDENTIAL,
                write_only=True,
                trim_whitespace=False,
                style={"input_type": "password"},
            ),
            **super().get_fields(),
        }

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Sign in.

        Raises:
            NoActiveAccount: no such account, a wrong password, or not active.
        """
        user = self.authenticate(self.get_credentials(attrs))
        grant = open_session(
            user, request=self.request, get_claims=self.get_claims, transport=self.transport
        )
        return self.hand_out(grant)

    def get_credentials(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """What to hand to ``django.contrib.auth.authenticate``, out of the validated fields."""
        return {name: attrs[name] for name in (self.username_field, "password")}

    def authenticate(self, credentials: dict[str, Any]) -> Any:
        """The user of the credentials. What comes after ``super()`` knows the password was right.

        Raises:
            NoActiveAccount: for unknown, wrong and inactive alike.
        """
        user = user_of(credentials, self.request)
        if user is None or not is_active(user):
            raise NoActiveAccount
        return user


class TokenField(serializers.CharField):
    """A token. It is long and nearly always ASCII, which no surrogate is."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.validators = [
            _no_surrogates if type(own) is ProhibitSurrogateCharactersValidator else own
            for own in self.validators
        ]


class _NoSurrogates(ProhibitSurrogateCharactersValidator):
    """DRF's, which looks at each character, only where there can be one."""

    def __call__(self, value: Any) -> None:
        if not str(value).isascii():
            super().__call__(value)


_no_surrogates = _NoSurrogates()


class TokenRefreshSerializer(GrantSerializer):
    """A refresh token in, a new pair out.

    The context's ``kept_key`` is the key that a browser keeps beside the token, in a cookie.
    """

    refresh = TokenField(write_only=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Turn the counter.

        Raises:
            TokenRefused: with the reason.
            Throttled: this session refreshes too often.
            BadIdempotencyKey: the header is there and not allowed.
        """
        token = read_refresh(attrs["refresh"], kind=self.transport.refresh, request=self.request)
        wait = Counter("refresh", str(token.session)).take()
        if wait is not None:
            raise Throttled(wait)
        chosen = idempotency_key(self.request)
        grant = refresh_session(
            token,
            request=self.request,
            idempotency_key=chosen or self.context.get("kept_key", ""),
            retry_window=None if chosen else ratchet_settings().COOKIE_RETRY_WINDOW,
            get_claims=self.get_claims,
            transport=self.transport,
        )
        return self.hand_out(grant)


class TokenVerifySerializer(serializers.Serializer[Any]):
    """A token of either kind."""

    token = TokenField(write_only=True)


class LogoutSerializer(serializers.Serializer[Any]):
    """A refresh token, where there is no Bearer."""

    refresh = TokenField(write_only=True, required=False)


class StepUpSerializer(serializers.Serializer[Any]):
    """A refresh token, and the password again."""

    refresh = TokenField(write_only=True)
    password = serializers.CharField(
        max_length=_MAX_CREDENTIAL,
        write_only=True,
        trim_whitespace=False,
        style={"input_type": "password"},
    )


class SessionSerializer(serializers.ModelSerializer[Session]):
    """One of the user's devices. The context's ``current`` is the id of the one that asks."""

    current = serializers.SerializerMethodField()
    last_used_at = serializers.DateTimeField(source="rotated_at")

    class Meta:
        model = Session
        fields = (
            "id",
            "current",
            "created_at",
            "last_used_at",
            "expires_at",
            "user_agent",
            "ip",
        )

    def get_current(self, session: Session) -> bool:
        """Whether it is the device that asks."""
        return session.pk == self.context.get("current")


def user_of(credentials: dict[str, Any], request: Request | None) -> Any:
    """The user whose credentials these are, by Django's backends; None for nobody.

    Args:
        credentials: what ``django.contrib.auth.authenticate`` takes.
        request: the request at hand. Backends such as django-axes need Django's, not DRF's.
    """
    try:
        return authenticate(getattr(request, "_request", None), **credentials)
    except (ValueError, ValidationError):
        if not _is_unfit(credentials):
            raise
        return None


def _is_unfit(credentials: dict[str, Any]) -> bool:
    """Whether the account's name is nothing that the user model's field could hold."""
    name = get_user_model().USERNAME_FIELD
    field: Any = get_user_model()._meta.get_field(name)
    try:
        field.to_python(credentials.get(name))
    except (ValueError, ValidationError):
        return True
    return False


def idempotency_key(request: Request | None) -> str:
    """The request's ``Idempotency-Key``, "" for none.

    Raises:
        BadIdempotencyKey: it is not 1 to 128 visible ASCII characters.
    """
    key = None if request is None else request.META.get("HTTP_IDEMPOTENCY_KEY")
    if key is None:
        return ""
    if not 1 <= len(key) <= _MAX_IDEMPOTENCY_KEY or not all("!" <= char <= "~" for char in key):
        raise BadIdempotencyKey
    return str(key)
