"""The handlers of both generations, for projects that make and read tokens by hand."""

import time
import uuid
from calendar import timegm
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from rest_framework import serializers

from drf_ratchet.sessions import store
from drf_ratchet.sessions.subject import is_active
from drf_ratchet_compat.drf_jwt.compat import get_username
from drf_ratchet_compat.drf_jwt.exceptions import InvalidTokenError, refusal
from drf_ratchet_compat.drf_jwt.generations import Generation, Why
from drf_ratchet_compat.drf_jwt.issuing import as_json, issue, mint, user_of
from drf_ratchet_compat.drf_jwt.old_keys import name_in, named_user, secret_key
from drf_ratchet_compat.drf_jwt.reading import Payload, read_token
from drf_ratchet_compat.drf_jwt.settings import api_settings
from ratchet_tokens.claims import session_id
from ratchet_tokens.errors import TokenRefused


def unix_epoch(datetime_object: datetime | None = None) -> int:
    """Seconds since 1970 of a moment in UTC, by default of now."""
    if datetime_object is None:
        return int(time.time())
    return timegm(datetime_object.utctimetuple())


def get_username_field() -> str:
    """The user model's ``USERNAME_FIELD``."""
    return str(get_user_model().USERNAME_FIELD)


def jwt_get_secret_key(payload: dict[str, Any] | None = None) -> Any:
    """What the old package signed with. Nothing new is signed with a user's own key.

    Args:
        payload: names the user, for ``JWT_GET_USER_SECRET_KEY``.

    Raises:
        ValidationError: nobody has that name.
    """
    try:
        return secret_key(payload)
    except TokenRefused:
        raise serializers.ValidationError(_said(Why.NO_USER)) from None


def jwt_payload_handler(user: Any) -> dict[str, Any]:
    """What a token of 1.11 says of a user."""
    username = get_username(user)
    payload = {
        "user_id": str(user.pk) if isinstance(user.pk, uuid.UUID) else user.pk,
        "username": username,
        "exp": unix_epoch() + int(api_settings.JWT_EXPIRATION_DELTA.total_seconds()),
    }
    if hasattr(user, "email"):
        payload["email"] = user.email
    payload[get_username_field()] = username
    return {**payload, **_of_the_settings(unix_epoch())}


def jwt_create_payload(user: Any) -> dict[str, Any]:
    """What a token of 1.19 says of a user."""
    now = unix_epoch()
    payload: dict[str, Any] = {
        "username": user.get_username(),
        "iat": now,
        "exp": now + int(api_settings.JWT_EXPIRATION_DELTA.total_seconds()),
    }
    if api_settings.JWT_TOKEN_ID != "off":
        payload["jti"] = uuid.uuid4()
    if api_settings.JWT_PAYLOAD_INCLUDE_USER_ID:
        payload["user_id"] = user.pk
    if hasattr(user, "profile"):
        # A list of one, which is what clients of 1.19 find there.
        payload["user_profile_id"] = [user.profile.pk if user.profile else None]
    return {**payload, **_of_the_settings(now)}


def _of_the_settings(now: int) -> dict[str, Any]:
    said = {
        "orig_iat": now if api_settings.JWT_ALLOW_REFRESH else None,
        "aud": api_settings.JWT_AUDIENCE,
        "iss": api_settings.JWT_ISSUER,
    }
    return {name: value for name, value in said.items() if value is not None}


def jwt_get_user_id_from_payload_handler(payload: Mapping[str, Any]) -> Any:
    """The user's id in a payload. The old package never called it; a project may."""
    return payload.get("user_id")


def jwt_get_username_from_payload_handler(payload: Mapping[str, Any]) -> Any:
    """The user's name in a payload."""
    return payload.get("username")


def jwt_encode_payload(payload: Mapping[str, Any]) -> str:
    """A token for a payload: opens a session for the user it names.

    A payload that was decoded makes another token of its own session.

    Args:
        payload: what ``jwt_create_payload`` or a handler of the project's made.

    Raises:
        ImproperlyConfigured: it names nobody, or makes no token.
    """
    if isinstance(payload, Payload) and payload.old is None:
        read = store.read(session_id(payload))
        if read is not None and read.session.user is not None:
            actor = payload.get("act")
            return mint(read.session, as_json(payload), read.now, actor=actor).token
    return issue(user_of(payload), payload).token


def jwt_decode_token(token: str | bytes) -> Payload:
    """The payload of a token that is good, and whose session is alive.

    Raises:
        ExpiredSignatureError: it has expired.
        DecodeError: it is malformed, or its signature is not good.
        InvalidTokenError: it is refused for another reason; a logout, say.
    """
    return read_token(token)


def jwt_response_payload_handler(token: str, user: Any = None, request: Any = None) -> Any:
    """The body of an answer of 1.11."""
    return {"token": token}


def jwt_create_response_payload(
    token: str, user: Any = None, request: Any = None, issued_at: int | None = None
) -> Any:
    """The body of an answer of 1.19."""
    return {"pk": issued_at, "token": token}


#: 1.11's names of them.
jwt_encode_handler = jwt_encode_payload
jwt_decode_handler = jwt_decode_token


def check_payload(
    token: str | bytes, generation: Generation | None = None, *, request: Any = None
) -> Payload:
    """The payload of a token, for serializers. Its session is looked at, whatever FRESHNESS is.

    Args:
        token: what the client sent.
        generation: whose sentences; by default those of ``JWT_GENERATION``.
        request: the request that brought it, for a callable ``ISSUER``.

    Raises:
        ValidationError: it is refused.
    """
    try:
        return read_token(token, "immediate", request=request)
    except InvalidTokenError as refused:
        raise serializers.ValidationError(_said(refused.why, generation)) from None


def check_user(payload: dict[str, Any], generation: Generation | None = None) -> Any:
    """The user of a payload, for serializers.

    Args:
        payload: decoded, or just made.
        generation: whose sentences; by default those of ``JWT_GENERATION``.

    Raises:
        ValidationError: it names nobody who may sign in.
    """
    try:
        return _user(payload)
    except InvalidTokenError as refused:
        raise serializers.ValidationError(_said(refused.why, generation)) from None


def _user(payload: dict[str, Any]) -> Any:
    if api_settings.JWT_TOKEN_ID == "require" and not payload.get("jti"):
        raise refusal(Why.INVALID)
    if isinstance(payload, Payload):
        return payload.user
    if not name_in(payload):
        raise refusal(Why.NO_USERNAME)
    user = named_user(payload)
    if user is None:
        raise refusal(Why.NO_USER)
    if not is_active(user):
        raise refusal(Why.DISABLED)
    return user


def _said(why: Why, generation: Generation | None = None) -> Any:
    return (generation or api_settings.generation).in_a_body[why]
