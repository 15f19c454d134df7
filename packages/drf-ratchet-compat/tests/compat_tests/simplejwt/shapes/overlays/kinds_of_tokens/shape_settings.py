from settings import *  # noqa: F403
from settings import SIMPLE_JWT

ROOT_URLCONF = "shape_urls"
SIMPLE_JWT |= {
    "AUTH_TOKEN_CLASSES": ["kinds.tokens.KioskAccess"],
    "TOKEN_OBTAIN_SERIALIZER": "kinds.serializers.Obtain",
    "TOKEN_REFRESH_SERIALIZER": "kinds.serializers.Refresh",
    "TOKEN_BLACKLIST_SERIALIZER": "kinds.serializers.Blacklist",
}
