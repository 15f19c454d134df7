"""Replacements for methods of simplejwt's serializers. ``seams`` puts them in place."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import ValidationError
from rest_framework_simplejwt.settings import api_settings

from drf_ratchet_compat.simplejwt import blacklist
from drf_ratchet_compat.simplejwt.sessions import (
    SessionRefused,
    end_sessions_of,
    note_password,
    task,
)
from drf_ratchet_compat.simplejwt.settings import Phase, phase


def authenticate(plain: Any, self: Any, attrs: Any) -> Any:
    """Replace ``TokenObtainSerializer.validate``: policies are told that it was the password."""
    done = plain(self, attrs)
    note_password(getattr(self, "user", None))
    return done


def refresh(plain: Any, self: Any, attrs: Any) -> Any:
    """Replace ``TokenRefreshSerializer.validate``: a used token is reused here, and only here.

    simplejwt's own code does the work. It calls the token's methods, which ask the counter.
    """
    with task(self.context.get("request")):
        return plain(self, attrs)


def check(plain: Any, self: Any, attrs: Any) -> Any:
    """Replace ``TokenVerifySerializer.validate``: a revoked token has the answer that it had."""
    try:
        return plain(self, attrs)
    except SessionRefused as error:
        if api_settings.BLACKLIST_AFTER_ROTATION and blacklist.is_installed():
            raise ValidationError(_("Token is blacklisted")) from error
        raise


def log_out(plain: Any, self: Any, attrs: Any) -> Any:
    """Replace ``TokenBlacklistSerializer.validate``: any token of a session ends it."""
    with task(self.context.get("request"), ends=True):
        done = plain(self, attrs)
        if not blacklist.is_installed() and phase() is not Phase.MARK:
            end_sessions_of(self.token_class(attrs["refresh"]).payload)
        return done
