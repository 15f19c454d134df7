"""The same project after the way back: on the real drf-jwt, which takes our tokens too."""

from compat_tests.drf_jwt.settings_real import *  # noqa: F403
from compat_tests.drf_jwt.settings_real import INSTALLED_APPS, JWT_AUTH

INSTALLED_APPS = [*INSTALLED_APPS, "drf_ratchet_compat.drf_jwt"]
JWT_AUTH = {
    **JWT_AUTH,
    "JWT_DECODE_HANDLER": "drf_ratchet_compat.drf_jwt.utils.jwt_decode_token",
}
