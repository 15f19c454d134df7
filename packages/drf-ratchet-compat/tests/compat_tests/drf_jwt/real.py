"""Tokens of the real drf-jwt, made by its own functions with settings of one's choice."""

import warnings
from contextlib import contextmanager
from typing import Any
from unittest import mock


def issue(user: Any, jwt_auth: dict[str, Any] | None = None, **changes: Any) -> str:
    """A token as the real one makes it.

    Args:
        user: whose.
        jwt_auth: its ``JWT_AUTH``.
        changes: to its payload; None takes a claim out.
    """
    with real(jwt_auth) as utils, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # datetime.utcnow, short keys
        payload = {**utils.jwt_create_payload(user), **changes}
        payload = {name: value for name, value in payload.items() if value is not None}
        token: str = utils.jwt_encode_payload(payload)
        return token


@contextmanager
def real(jwt_auth: dict[str, Any] | None = None) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from rest_framework.settings import APISettings
        from rest_framework_jwt import settings, utils

    chosen = APISettings(jwt_auth or {}, settings.DEFAULTS, settings.IMPORT_STRINGS)
    with mock.patch.object(utils, "api_settings", chosen):
        yield utils
