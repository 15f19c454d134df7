"""The small things that both generations had in their ``compat``, and that projects import."""

from datetime import UTC, datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.urls import include
from django.urls import re_path as url
from django.utils.encoding import smart_str
from django.utils.translation import gettext_lazy
from rest_framework import serializers

from drf_ratchet_compat.drf_jwt.exceptions import ExpiredSignature
from drf_ratchet_compat.drf_jwt.settings import api_settings

__all__ = [
    "ExpiredSignature",
    "PasswordField",
    "Serializer",
    "get_username",
    "get_username_field",
    "gettext_lazy",
    "has_set_cookie_samesite",
    "include",
    "set_cookie_with_token",
    "smart_str",
    "url",
]


class Serializer(serializers.Serializer[Any]):
    """DRF's, with ``object`` for what was validated."""

    @property
    def object(self) -> Any:
        """``validated_data``."""
        return self.validated_data


class PasswordField(serializers.CharField):
    """A text that the browsable API does not show."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs["style"] = {**kwargs.get("style", {}), "input_type": "password"}
        super().__init__(**kwargs)


def get_username_field() -> str:
    """The user model's ``USERNAME_FIELD``."""
    return str(get_user_model().USERNAME_FIELD)


def get_username(user: Any) -> Any:
    """A user's name, whatever their model calls it."""
    return user.get_username() if hasattr(user, "get_username") else user.username


def has_set_cookie_samesite() -> bool:
    """Whether Django knows SameSite: it does."""
    return True


def set_cookie_with_token(response: Any, name: str, token: str) -> None:
    """Put a token into a cookie that scripts cannot read.

    Args:
        response: the response that sets it.
        name: the cookie's.
        token: the token.
    """
    response.set_cookie(
        name,
        token,
        expires=datetime.now(UTC) + api_settings.JWT_EXPIRATION_DELTA,
        domain=api_settings.JWT_AUTH_COOKIE_DOMAIN,
        path=api_settings.JWT_AUTH_COOKIE_PATH,
        secure=api_settings.JWT_AUTH_COOKIE_SECURE,
        httponly=True,
        samesite=api_settings.JWT_AUTH_COOKIE_SAMESITE,
    )
