"""What tells the two generations apart: the bodies and sentences of 1.11 and those of 1.19.

Class names decide which one a view or a serializer is of. The functions and the names that both
have follow ``JWT_AUTH["JWT_GENERATION"]``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import status

_UTILS = f"{__package__}.utils"


class Why(StrEnum):
    """Why a token or a request for one is refused."""

    EXPIRED = "expired"
    UNDECODABLE = "undecodable"
    INVALID = "invalid"
    NO_USERNAME = "no_username"
    NO_USER = "no_user"
    DISABLED = "disabled"
    #: What logging out does; the old packages knew it as their blacklist.
    ENDED = "ended"
    PASSWORD_CHANGED = "password_changed"
    BAD_LOGIN = "bad_login"
    NO_ORIG_IAT = "no_orig_iat"
    WINDOW_OVER = "window_over"
    NO_TOKEN_ID = "no_token_id"


@dataclass(frozen=True, slots=True)
class Generation:
    """One generation of the old package.

    Args:
        name: "1.11" or "1.19".
        status: of an answer that holds a token.
        at_the_door: what the authenticator says.
        in_a_body: what the serializers say.
        defaults: settings whose default it is alone in having.
    """

    name: str
    status: int
    at_the_door: Mapping[Why, Any]
    in_a_body: Mapping[Why, Any]
    defaults: Mapping[str, Any]


#: Said by both, wherever.
_SHARED = {
    Why.DISABLED: _("User account is disabled."),
    Why.BAD_LOGIN: _("Unable to log in with provided credentials."),
    Why.WINDOW_OVER: _("Refresh has expired."),
    Why.NO_TOKEN_ID: _("orig_jti or jti field not found in token."),
    Why.PASSWORD_CHANGED: _("The password was changed. Sign in again."),
}

_OLDER = {
    **_SHARED,
    Why.EXPIRED: _("Signature has expired."),
    Why.UNDECODABLE: _("Error decoding signature."),
    Why.NO_USERNAME: _("Invalid payload."),
    Why.NO_ORIG_IAT: _("orig_iat field is required."),
    Why.ENDED: _("This session has ended. Sign in again."),
}

_NEWER = {
    **_SHARED,
    Why.EXPIRED: _("Token has expired."),
    Why.UNDECODABLE: _("Error decoding token."),
    Why.INVALID: _("Invalid token."),
    Why.NO_ORIG_IAT: _("orig_iat field not found in token."),
    Why.ENDED: _("Token is blacklisted."),
}

GENERATIONS = {
    "1.11": Generation(
        "1.11",
        status.HTTP_200_OK,
        at_the_door={
            **_OLDER,
            Why.INVALID: _("Incorrect authentication credentials."),
            Why.NO_USER: _("Invalid signature."),
        },
        in_a_body={
            **_OLDER,
            # Where 1.11 let the exception through: a 500.
            Why.INVALID: _("Error decoding signature."),
            Why.NO_USER: _("User doesn't exist."),
        },
        defaults={
            "JWT_PAYLOAD_HANDLER": f"{_UTILS}.jwt_payload_handler",
            "JWT_RESPONSE_PAYLOAD_HANDLER": f"{_UTILS}.jwt_response_payload_handler",
            "JWT_ALLOW_REFRESH": False,
            "JWT_AUTH_HEADER_PREFIX": "JWT",
        },
    ),
    "1.19": Generation(
        "1.19",
        status.HTTP_201_CREATED,
        at_the_door={
            **_NEWER,
            Why.NO_USERNAME: _("Invalid payload."),
            Why.NO_USER: _("Invalid token."),
        },
        in_a_body={
            **_NEWER,
            Why.NO_USERNAME: _("Invalid token."),
            Why.NO_USER: _("User doesn't exist."),
        },
        defaults={
            "JWT_PAYLOAD_HANDLER": f"{_UTILS}.jwt_create_payload",
            "JWT_RESPONSE_PAYLOAD_HANDLER": f"{_UTILS}.jwt_create_response_payload",
            "JWT_ALLOW_REFRESH": True,
            "JWT_AUTH_HEADER_PREFIX": "Bearer",
        },
    ),
}

#: The one that a project is on which does not say.
DEFAULT_GENERATION = "1.19"
