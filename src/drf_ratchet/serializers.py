"""Validate what the endpoints take, and open or refresh sessions: a project derives from these."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from django.contrib.auth import authenticate, get_user_model
from django.core.exceptions import ImproperlyConfigured, ValidationError
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.validators import ProhibitSurrogateCharactersValidator

from drf_ratchet.bounds import LONGEST_EMAIL, MAX_CREDENTIAL_LENGTH, MAX_IDEMPOTENCY_KEY_LENGTH
from drf_ratchet.conf import ratchet_settings
from drf_ratchet.exceptions import BadIdempotencyKey, NoActiveAccount
from drf_ratchet.limited_refresh import refresh_for_client
from drf_ratchet.models import Session
from drf_ratchet.sessions.grant import HEADER, Grant, Transport
from drf_ratchet.sessions.opening import open_session
from drf_ratchet.sessions.subject import is_active
from drf_ratchet.throttling import count_account


class GrantSerializer(serializers.Serializer[Any]):
    """The base of the serializers that issue tokens.

    The context's ``transport`` says which tokens are in the body and which are in cookies.
    """

    def get_claims(self, user: Any) -> Mapping[str, Any]:
        """Return claims for this access token, on top of the setting ``CLAIMS``.

        A refresh uses its own serializer. Claims for every access token belong in the setting, or
        in both serializers.

        Args:
            user: the user of the token.
        """
        return {}

    def get_response_data(self, grant: Grant) -> dict[str, Any]:
        """Return the response body. ``grant.session.user`` is the user.

        A token that travels in a cookie is not in this grant: it is empty here.
        """
        tokens = {"access": grant.access, "refresh": grant.refresh}
        return {name: token for name, token in tokens.items() if token}

    @property
    def transport(self) -> Transport:
        """Return which tokens travel in the body and which in cookies."""
        transport: Transport = self.context.get("transport", HEADER)
        return transport

    def to_representation(self, instance: Grant) -> dict[str, Any]:
        """Return the response body, without the tokens that travel in cookies."""
        return self.get_response_data(self.transport.in_body(instance))

    @property
    def request(self) -> Request | None:
        """Return the current request, or None outside of a view."""
        return self.context.get("request")


class TokenObtainPairSerializer(GrantSerializer):
    """Sign in: credentials in, a pair of tokens out.

    Each step can be overridden by itself: ``get_credentials``, ``authenticate``, ``get_claims``,
    ``get_response_data``. Further fields are declared as in any serializer.

    Name a subclass in the setting ``SIGN_IN_SERIALIZER``: every endpoint that takes a password then
    asks for the same. ``step-up/`` asks for its fields and calls its ``authenticate``, but not its
    ``validate`` and its ``create``. So check a second factor in ``authenticate``.
    """

    #: How a user proves who they are here, for ``SIGN_IN_POLICY``: values of RFC 8176.
    amr: Sequence[str] = ("pwd",)

    @property
    def username_field(self) -> str:
        """Return the name of the account's field: the user model's ``USERNAME_FIELD``."""
        return _username_field()

    def get_fields(self) -> dict[str, Any]:
        """Return the account's field and the password, then what a subclass declares."""
        return {
            self.username_field: serializers.CharField(
                max_length=MAX_CREDENTIAL_LENGTH, write_only=True
            ),
            "password": serializers.CharField(
                max_length=MAX_CREDENTIAL_LENGTH,
                write_only=True,
                trim_whitespace=False,
                style={"input_type": "password"},
            ),
            **super().get_fields(),
        }

    def create(self, validated_data: dict[str, Any]) -> Grant:
        """Sign in: open a session, and return its tokens.

        Raises:
            NoActiveAccount: no such account, a wrong password, or not active.
        """
        return open_session(
            self.authenticate(self.get_credentials(validated_data)),
            request=self.request,
            amr=self.amr,
            get_claims=self.get_claims,
            transport=self.transport,
        )

    def account_name(self, user: Any) -> str:
        """Return the account's name, which ``step-up/`` reads from the signed-in user.

        Args:
            user: the signed-in user.
        """
        return str(getattr(user, get_user_model().USERNAME_FIELD))

    def get_credentials(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments of ``django.contrib.auth.authenticate``, from validated fields."""
        return {name: attrs[name] for name in (self.username_field, "password")}

    def authenticate(self, credentials: dict[str, Any]) -> Any:
        """Return the user of these credentials. After ``super()`` the password was right.

        Raises:
            NoActiveAccount: for unknown, wrong and inactive alike.
            Throttled: too many attempts have failed for this account, however it was named.
        """
        named = credentials.get(self.username_field, credentials.get(_username_field()))
        count_account(self.context.get("view"), self.request, named)
        user = user_of(credentials, self.request)
        if user is None or not is_active(user):
            raise NoActiveAccount
        return user


class TokenField(serializers.CharField):
    """A token. ASCII, as nearly every token is, is not searched for surrogates."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.validators = [
            _no_surrogates if type(own) is ProhibitSurrogateCharactersValidator else own
            for own in self.validators
        ]


class _NoSurrogates(ProhibitSurrogateCharactersValidator):
    """Run DRF's check of each character only if the text is not ASCII."""

    def __call__(self, value: Any) -> None:
        if not str(value).isascii():
            super().__call__(value)


_no_surrogates = _NoSurrogates()


class TokenRefreshSerializer(GrantSerializer):
    """A refresh token in, a new pair out.

    The context's ``kept_key`` is the key that a browser keeps beside the token, in a cookie.
    """

    refresh = TokenField(write_only=True)

    def create(self, validated_data: dict[str, Any]) -> Grant:
        """Refresh the session, and return its new tokens.

        Raises:
            TokenRefused: with the reason.
            Throttled: this session refreshes too often.
            BadIdempotencyKey: the header is there and not allowed.
        """
        return refresh_for_client(
            validated_data["refresh"],
            request=self.request,
            idempotency_key=idempotency_key(self.request) or self.context.get("kept_key", ""),
            get_claims=self.get_claims,
            transport=self.transport,
        )


class TokenVerifySerializer(serializers.Serializer[Any]):
    """A token of either kind."""

    token = TokenField(write_only=True)


class LogoutSerializer(serializers.Serializer[Any]):
    """A refresh token, where there is no Bearer."""

    refresh = TokenField(write_only=True, required=False)


class StepUpSerializer(TokenObtainPairSerializer):
    """A refresh token, and what a sign-in asks for beside the account's name: the password."""

    def get_fields(self) -> dict[str, Any]:
        """Return the refresh token, then the fields of a sign-in."""
        fields = super().get_fields()
        fields.pop(self.username_field, None)
        return {"refresh": TokenField(write_only=True), **fields}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Return the fields: a project's ``validate`` may need the account's name."""
        return attrs


def sign_in_serializer() -> type[TokenObtainPairSerializer]:
    """Return the serializer of every endpoint that takes a password: ``SIGN_IN_SERIALIZER``.

    Raises:
        ImproperlyConfigured: the setting names no subclass of ``TokenObtainPairSerializer``.
    """
    named: Any = ratchet_settings().sign_in_serializer or TokenObtainPairSerializer
    if not (isinstance(named, type) and issubclass(named, TokenObtainPairSerializer)):
        raise ImproperlyConfigured(
            "DRF_RATCHET['SIGN_IN_SERIALIZER'] must name a subclass of "
            "drf_ratchet.serializers.TokenObtainPairSerializer."
        )
    return named


def step_up_serializer() -> type[StepUpSerializer]:
    """Return ``SIGN_IN_SERIALIZER`` as ``step-up/`` asks for it."""
    return _step_up_over(sign_in_serializer())


@cache
def _step_up_over(sign_in: type[TokenObtainPairSerializer]) -> type[StepUpSerializer]:
    """Return a class derived from ``StepUpSerializer`` and then from the project's serializer."""
    if issubclass(StepUpSerializer, sign_in):
        return StepUpSerializer
    bases, contents = (StepUpSerializer, sign_in), {"__doc__": StepUpSerializer.__doc__}
    made: type[StepUpSerializer] = type(f"StepUp{sign_in.__name__}", bases, contents)
    return made


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
        """Return whether this device sent the request."""
        return session.pk == self.context.get("current")


#: Bytes. bcrypt 5.0 raises a ValueError for longer ones.
_SHORTEST_LIMIT_OF_A_HASHER = 72


def _username_field() -> str:
    return str(get_user_model().USERNAME_FIELD)


def user_of(credentials: dict[str, Any], request: Request | None) -> Any:
    """Return the user of these credentials by Django's backends, or None.

    Args:
        credentials: what ``django.contrib.auth.authenticate`` takes.
        request: the current request. Backends such as django-axes need Django's, not DRF's.
    """
    if _is_too_long(credentials.get(_username_field())):
        return None
    try:
        return authenticate(getattr(request, "_request", None), **credentials)
    except (ValueError, ValidationError):
        if not _is_unfit(credentials):
            raise
        return None


def _is_too_long(name: object) -> bool:
    """Return whether a name is longer than that of any account, be it the user's email address.

    Backends and receivers of ``user_login_failed`` may write it into a column: django-axes has 255
    characters, and PostgreSQL raises an error for more.
    """
    field: Any = get_user_model()._meta.get_field(_username_field())
    longest = max(field.max_length or 0, LONGEST_EMAIL)
    return isinstance(name, str) and len(name) > longest


def _is_unfit(credentials: dict[str, Any]) -> bool:
    """Return whether the field cannot hold the name, or the hasher the password."""
    password = credentials.get("password")
    if isinstance(password, str):
        try:
            if len(password.encode()) > _SHORTEST_LIMIT_OF_A_HASHER:
                return True
        except UnicodeEncodeError:  # half of a surrogate pair, which no hasher takes
            return True
    name = get_user_model().USERNAME_FIELD
    field: Any = get_user_model()._meta.get_field(name)
    try:
        field.to_python(credentials.get(name))
    except (ValueError, ValidationError):
        return True
    return False


def idempotency_key(request: Request | None) -> str:
    """Return the request's ``Idempotency-Key``; "" if it has none.

    Raises:
        BadIdempotencyKey: it is not 1 to 128 visible ASCII characters.
    """
    key = None if request is None else request.META.get("HTTP_IDEMPOTENCY_KEY")
    if key is None:
        return ""
    if not 1 <= len(key) <= MAX_IDEMPOTENCY_KEY_LENGTH or not all(
        "!" <= char <= "~" for char in key
    ):
        raise BadIdempotencyKey
    return str(key)
