"""What simplejwt left behind: its tokens' users, and its blacklist."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import DatabaseError, connections
from django.utils.crypto import constant_time_compare

from drf_ratchet.sessions import store
from drf_ratchet.sessions.database import write_database
from drf_ratchet_compat.adopting import OldSession, issued_at
from drf_ratchet_compat.simplejwt.settings import api_settings
from drf_ratchet_compat.simplejwt.underneath import rotates
from drf_ratchet_compat.simplejwt.utils import get_md5_hash_password
from ratchet_tokens.errors import Reason, TokenRefused

PACKAGE = "simplejwt"
#: The last moment that a datetime can hold, in seconds since 1970.
LAST_MOMENT = 253_402_300_799
OUTSTANDING = "token_blacklist_outstandingtoken"
BLACKLISTED = "token_blacklist_blacklistedtoken"


def old_session(claims: Mapping[str, Any]) -> OldSession:
    """The session that a refresh token of simplejwt's stands for.

    Args:
        claims: verified.

    Raises:
        TokenRefused: it names no user, or not one who may go on.
    """
    jti = old_id(claims)
    if jti is None:
        raise TokenRefused(Reason.MALFORMED)
    user = old_user(claims)
    if user is None:
        raise TokenRefused(Reason.USER_INACTIVE)
    signed_in, expires = issued_at(claims), claims["exp"]
    until: Any = claims.get(api_settings.SLIDING_TOKEN_REFRESH_EXP_CLAIM)
    if type(until) in (int, float) and expires <= until <= LAST_MOMENT:
        # A sliding token moves its iat and exp when it is refreshed, and keeps its jti and this.
        lifetime = api_settings.SLIDING_TOKEN_REFRESH_LIFETIME.total_seconds()
        signed_in, expires = max(0, until - lifetime), until
    return OldSession(PACKAGE, jti, user, signed_in, expires, rotates())


def old_user(claims: Mapping[str, Any]) -> Any:
    """The user of a token of simplejwt's, active or not; None for one who is gone.

    Args:
        claims: verified. Older releases wrote whole numbers for users, newer ones text.

    Raises:
        TokenRefused: malformed, or ``CHECK_REVOKE_TOKEN`` is set and the password has changed.
    """
    user = named_user(claims)
    if user is not None and api_settings.CHECK_REVOKE_TOKEN:
        stamp = str(claims.get(api_settings.REVOKE_TOKEN_CLAIM))
        if not constant_time_compare(stamp, get_md5_hash_password(user.password)):
            raise TokenRefused(Reason.PASSWORD_CHANGED)
    return user


def named_user(claims: Mapping[str, Any]) -> Any:
    """The user that ``USER_ID_CLAIM`` names, active or not; None for one who is gone.

    Raises:
        TokenRefused: malformed.
    """
    value = claims.get(api_settings.USER_ID_CLAIM)
    if type(value) not in (int, str):
        raise TokenRefused(Reason.MALFORMED)
    users = get_user_model()._default_manager.using(write_database())
    try:
        return users.filter(**{api_settings.USER_ID_FIELD: value}).first()
    except (ValueError, ValidationError, OverflowError):
        raise TokenRefused(Reason.MALFORMED) from None


def check_not_ended(claims: Mapping[str, Any]) -> None:
    """Check that no blacklist has an old token, and that what it became has not ended.

    Raises:
        TokenRefused: session_ended.
    """
    jti = old_id(claims)
    if jti is None:
        return
    if is_blacklisted(jti):
        raise TokenRefused(Reason.SESSION_ENDED)
    try:
        was = old_session(claims)
    except TokenRefused:
        return  # whose it is, simplejwt does not ask here
    if store.exists(was.id, ended_at__isnull=False):
        raise TokenRefused(Reason.SESSION_ENDED)


def old_id(claims: Mapping[str, Any]) -> str | None:
    """The token's own id; None where it has none."""
    jti = claims.get(api_settings.JTI_CLAIM or "jti")
    return jti if isinstance(jti, str) and jti else None


def is_blacklisted(jti: str) -> bool:
    """Whether simplejwt's blacklist has it. One query where there is such a table, else none."""
    using = write_database()
    if not _has_blacklist(using):
        return False
    try:
        with connections[using].cursor() as cursor:
            cursor.execute(_IN_BLACKLIST, [jti])
            return cursor.fetchone() is not None
    except DatabaseError:
        _has_blacklist.cache_clear()
        if _has_blacklist(using):
            raise
        return False  # somebody has dropped the tables


_IN_BLACKLIST = (
    f"SELECT 1 FROM {BLACKLISTED} b JOIN {OUTSTANDING} o ON o.id = b.token_id WHERE o.jti = %s"  # noqa: S608
)


@cache
def _has_blacklist(using: str) -> bool:
    tables = connections[using].introspection.table_names()
    return {OUTSTANDING, BLACKLISTED} <= set(tables)
