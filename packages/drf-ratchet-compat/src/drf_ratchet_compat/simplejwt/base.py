"""``Token``: what all of simplejwt's tokens have in common."""

from datetime import datetime, timedelta
from typing import Any, Self
from uuid import uuid4

from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from drf_ratchet_compat.simplejwt import wire
from drf_ratchet_compat.simplejwt.exceptions import (
    ExpiredTokenError,
    TokenBackendError,
    TokenBackendExpiredToken,
    TokenError,
)
from drf_ratchet_compat.simplejwt.settings import api_settings
from drf_ratchet_compat.simplejwt.utils import (
    aware_utcnow,
    datetime_from_epoch,
    datetime_to_epoch,
    format_lazy,
    logger,
)
from drf_ratchet_compat.simplejwt.wire import WITH_SESSIONS, Payload


class Lifetime:
    """A class attribute that says what a setting says; a subclass may put a timedelta there.

    Args:
        setting: its name in ``SIMPLE_JWT``.
    """

    def __init__(self, setting: str) -> None:
        self.setting = setting

    def __get__(self, token: Any, kind: Any = None) -> timedelta:
        lifetime: timedelta = getattr(api_settings, self.setting)
        return lifetime


class Token:
    """A token, read from a string or about to become one.

    Items are its claims. A subclass with a ``token_type`` of its own and a ``lifetime`` is a kind
    of its own: signed, and good until it expires; it has no session.

    Args:
        token: the string, or None for a new token.
        verify: False to believe the string, whoever made it.

    Raises:
        TokenError: it is no good. The text is for users.
    """

    token_type: str | None = None
    lifetime: Any = None
    #: What a token of ours must be for this class; None for any.
    kind: str | None = wire.OTHER

    payload: Payload

    def __init__(self, token: Any = None, verify: bool = True) -> None:
        if self.token_type is None or self.lifetime is None:
            raise TokenError(_("Cannot create token with no type or lifetime"))
        self.token = token
        self.current_time = aware_utcnow()
        if token is None:
            self.payload = Payload({})
            if api_settings.TOKEN_TYPE_CLAIM is not None:
                self.payload[api_settings.TOKEN_TYPE_CLAIM] = self.token_type
            self.set_exp(from_time=self.current_time, lifetime=self.lifetime)
            self.set_iat(at_time=self.current_time)
            self.set_jti()
            self._as_read: dict[str, Any] | None = None
            return
        try:
            self.payload = self.get_token_backend().decode(token, verify=verify)
        except TokenBackendExpiredToken as error:
            raise ExpiredTokenError(_("Token is expired")) from error
        except TokenBackendError as error:
            raise TokenError(*error.args) from error
        self._as_read = dict(self.payload)
        if verify:
            self.verify()

    def __repr__(self) -> str:
        return repr(self.payload)

    def __getitem__(self, key: str) -> Any:
        return self.payload[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.payload[key] = value

    def __delitem__(self, key: str) -> None:
        del self.payload[key]

    def __contains__(self, key: str) -> bool:
        return key in self.payload

    def get(self, key: str, default: Any = None) -> Any:
        """A claim, or the default."""
        return self.payload.get(key, default)

    def __str__(self) -> str:
        """The token, signed."""
        if self._as_read is not None and self._as_read == self.payload:
            # As it came; what a client sent is not signed anew only to be shown.
            return self.token if isinstance(self.token, str) else self.token.decode()
        return self.sign()

    def sign(self) -> str:
        """A string of what it says now.

        Raises:
            ImproperlyConfigured: what it says makes no token.
        """
        if self.token_type in WITH_SESSIONS:
            raise ImproperlyConfigured(
                f"{type(self).__name__} has the token_type {self.token_type!r}, which is that of "
                "tokens with a session: derive it from the class of that type, or choose another."
            )
        try:
            return wire.encode(wire.as_json(self.payload), None)
        except (TypeError, ValueError, RecursionError) as error:
            raise ImproperlyConfigured(f"The claims make no token: {error}") from None

    def verify(self) -> None:
        """What is checked beside the signature. A subclass may check more.

        Raises:
            TokenError: it is no good.
        """
        self.check_exp()
        if api_settings.JTI_CLAIM is not None and api_settings.JTI_CLAIM not in self.payload:
            raise TokenError(_("Token has no id"))
        self.verify_kind()
        if api_settings.TOKEN_TYPE_CLAIM is not None:
            self.verify_token_type()

    def verify_kind(self) -> None:
        """Check that it was made for this class, whether or not there is a claim that says so.

        Raises:
            TokenError: it was not.
        """
        if not self.payload.is_old and self.kind not in (None, self.payload.kind):
            raise TokenError(_("Token has wrong type"))

    def verify_token_type(self) -> None:
        """Check that it is of this class's type.

        Raises:
            TokenError: it is not.
        """
        try:
            token_type = self.payload[api_settings.TOKEN_TYPE_CLAIM]
        except KeyError as error:
            raise TokenError(_("Token has no type")) from error
        if self.token_type != token_type:
            raise TokenError(_("Token has wrong type"))

    def set_jti(self) -> None:
        """Give it a new id."""
        self.payload[api_settings.JTI_CLAIM or "jti"] = uuid4().hex

    def set_exp(
        self,
        claim: str = "exp",
        from_time: datetime | None = None,
        lifetime: timedelta | None = None,
    ) -> None:
        """Say when it expires.

        Args:
            claim: which claim says it.
            from_time: from when on; by default when this object was made.
            lifetime: how long; by default the class's.
        """
        moment = self.current_time if from_time is None else from_time
        lifetime = self.lifetime if lifetime is None else lifetime
        self.payload[claim] = datetime_to_epoch(moment + lifetime)

    def set_iat(self, claim: str = "iat", at_time: datetime | None = None) -> None:
        """Say when it was issued.

        Args:
            claim: which claim says it.
            at_time: when; by default when this object was made.
        """
        self.payload[claim] = datetime_to_epoch(self.current_time if at_time is None else at_time)

    def check_exp(self, claim: str = "exp", current_time: datetime | None = None) -> None:
        """Check that a moment it names has not passed.

        Args:
            claim: which claim names it.
            current_time: now; by default when this object was made.

        Raises:
            TokenError: it has, or there is no such claim.
        """
        now = self.current_time if current_time is None else current_time
        try:
            moment = datetime_from_epoch(self.payload[claim])
        except KeyError as error:
            raise TokenError(format_lazy(_("Token has no '{}' claim"), claim)) from error
        except (TypeError, ValueError, OverflowError, OSError) as error:
            raise TokenError(_("Token is invalid")) from error
        if moment <= now - self.get_token_backend().get_leeway():
            raise TokenError(format_lazy(_("Token '{}' claim has expired"), claim))

    def outstand(self) -> Any:
        """The row that stands for it; None, as tokens without a session have none."""
        return None

    @classmethod
    def for_user(cls, user: Any) -> Self:
        """A new token for a user.

        It is signed, and its session opened, when it is first made a string of.

        Args:
            user: a saved user. Whether they may sign in is for the caller to know.
        """
        if not getattr(user, "is_active", True):
            logger.warning("Making a token for the inactive user %s.", user.pk)
        token = cls()
        token[api_settings.USER_ID_CLAIM] = str(getattr(user, api_settings.USER_ID_FIELD))
        return token

    @property
    def token_backend(self) -> Any:
        """What reads and signs strings."""
        from drf_ratchet_compat.simplejwt.state import token_backend

        return token_backend

    def get_token_backend(self) -> Any:
        """As ``token_backend``."""
        return self.token_backend
