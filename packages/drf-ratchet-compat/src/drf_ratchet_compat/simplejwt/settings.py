"""``SIMPLE_JWT``, read as it is: simplejwt's names and defaults."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed
from rest_framework.settings import APISettings as _APISettings

NAME = "SIMPLE_JWT"
_HERE = "drf_ratchet_compat.simplejwt"

DEFAULTS: dict[str, Any] = {
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=5),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=1),
    "ROTATE_REFRESH_TOKENS": False,
    "BLACKLIST_AFTER_ROTATION": False,
    "UPDATE_LAST_LOGIN": False,
    "ALGORITHM": "HS256",
    # SECRET_KEY: see ``APISettings``.
    "SIGNING_KEY": None,
    "VERIFYING_KEY": "",
    "AUDIENCE": None,
    "ISSUER": None,
    "JSON_ENCODER": None,
    "JWK_URL": None,
    "LEEWAY": 0,
    "AUTH_HEADER_TYPES": ("Bearer",),
    "AUTH_HEADER_NAME": "HTTP_AUTHORIZATION",
    "USER_ID_FIELD": "id",
    "USER_ID_CLAIM": "user_id",
    "USER_AUTHENTICATION_RULE": f"{_HERE}.authentication.default_user_authentication_rule",
    "AUTH_TOKEN_CLASSES": (f"{_HERE}.tokens.AccessToken",),
    "TOKEN_TYPE_CLAIM": "token_type",
    "JTI_CLAIM": "jti",
    "TOKEN_USER_CLASS": f"{_HERE}.models.TokenUser",
    "SLIDING_TOKEN_REFRESH_EXP_CLAIM": "refresh_exp",
    "SLIDING_TOKEN_LIFETIME": timedelta(minutes=5),
    "SLIDING_TOKEN_REFRESH_LIFETIME": timedelta(days=1),
    "TOKEN_OBTAIN_SERIALIZER": f"{_HERE}.serializers.TokenObtainPairSerializer",
    "TOKEN_REFRESH_SERIALIZER": f"{_HERE}.serializers.TokenRefreshSerializer",
    "TOKEN_VERIFY_SERIALIZER": f"{_HERE}.serializers.TokenVerifySerializer",
    "TOKEN_BLACKLIST_SERIALIZER": f"{_HERE}.serializers.TokenBlacklistSerializer",
    "SLIDING_TOKEN_OBTAIN_SERIALIZER": f"{_HERE}.serializers.TokenObtainSlidingSerializer",
    "SLIDING_TOKEN_REFRESH_SERIALIZER": f"{_HERE}.serializers.TokenRefreshSlidingSerializer",
    "CHECK_REVOKE_TOKEN": False,
    "REVOKE_TOKEN_CLAIM": "hash_password",
    "CHECK_USER_IS_ACTIVE": True,
    # Ours: the keys of tokens that simplejwt made. None: the keys above, an empty list: none any
    # more, which is where a move ends. Else a list of texts, for ALGORITHM.
    "LEGACY_KEYS": None,
}

IMPORT_STRINGS = (
    "AUTH_TOKEN_CLASSES",
    "JSON_ENCODER",
    "TOKEN_USER_CLASS",
    "USER_AUTHENTICATION_RULE",
)

#: Names that simplejwt took away, each with what it refuses them with.
REMOVED_SETTINGS = ("AUTH_HEADER_TYPE", "AUTH_TOKEN_CLASS", "SECRET_KEY", "TOKEN_BACKEND_CLASS")


class APISettings(_APISettings):
    """DRF's reader of such dicts, over the one of this project."""

    @property
    def user_settings(self) -> dict[str, Any]:
        """What the project wrote."""
        return getattr(settings, NAME, None) or {}

    def __getattr__(self, attr: str) -> Any:
        if attr == "SIGNING_KEY" and attr not in self.user_settings:
            return settings.SECRET_KEY
        return super().__getattr__(attr)


api_settings = APISettings(None, DEFAULTS, IMPORT_STRINGS)  # type: ignore[arg-type]


def reload_api_settings(*, setting: str, **kwargs: Any) -> None:
    """Read ``SIMPLE_JWT`` anew, where it is the setting that has changed."""
    if setting == NAME:
        api_settings.reload()


setting_changed.connect(reload_api_settings, dispatch_uid="drf_ratchet_compat.simplejwt.settings")
