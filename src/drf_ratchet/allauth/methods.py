"""Translate what allauth has recorded about a sign-in to the values of RFC 8176 (``amr``)."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib.sessions.backends.base import SessionBase

from drf_ratchet.allauth._internals import (
    authentication_records,
    is_backup_eligible,
    login_timeout,
)


def authentication_methods(session: SessionBase, user: Any, signed_in_at: float) -> list[str]:
    """Return the methods by which a user has just signed in, in the order of their use.

    "pwd" is a password. "otp" is a code: of an authenticator app, a recovery code, by mail, or the
    key of a mailed link to reset the password; by text message it is "sms". A WebAuthn credential
    is "hwk" only if it can not be copied to another device, else "swk". "mfa" is added for two of
    them. How a social account's provider has authenticated the user is unknown, so it adds nothing
    but counts for "mfa". A sign-up proves nothing.

    Args:
        session: the Django session that allauth has signed in.
        user: an instance of the user model.
        signed_in_at: when the sign-in was finished, in seconds since 1970. A record from before
            the longest sign-in that allauth allows belongs to an earlier attempt.
    """
    earliest = signed_in_at - login_timeout()
    recent = [one for one in authentication_records(session, user) if one["at"] >= earliest]
    return values_of(recent, user)


def values_of(records: Sequence[Mapping[str, Any]], user: Any) -> list[str]:
    """Return the values of RFC 8176 for records of allauth, as ``authentication_methods`` does.

    Args:
        records: what allauth has recorded.
        user: an instance of the user model.
    """
    methods = [value for one in records if (value := _value_of(one, user))]
    if len({(one["method"], one.get("type")) for one in records}) > 1:
        methods.append("mfa")
    return list(dict.fromkeys(methods))


def _value_of(record: Mapping[str, Any], user: Any) -> str:
    """Return the value of RFC 8176 for one record; "" if there is none."""
    method, kind = record["method"], record.get("type")
    if method == "password":
        return "pwd"
    if method == "code":
        return "sms" if record.get("phone") else "otp"
    if method == "password_reset" or (method == "mfa" and kind in ("totp", "recovery_codes")):
        return "otp"
    if method == "mfa" and kind == "webauthn":
        return "swk" if is_backup_eligible(record.get("id"), user) else "hwk"
    return ""
