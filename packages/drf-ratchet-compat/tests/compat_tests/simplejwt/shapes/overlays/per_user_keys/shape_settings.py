from settings import *  # noqa: F403
from settings import INSTALLED_APPS, SIMPLE_JWT

INSTALLED_APPS.insert(0, "keys")
ROOT_URLCONF = "shape_urls"
SIMPLE_JWT |= {
    "AUTH_TOKEN_CLASSES": ["keys.tokens.Access"],
    "TOKEN_OBTAIN_SERIALIZER": "keys.serializers.Obtain",
    "TOKEN_REFRESH_SERIALIZER": "keys.serializers.Refresh",
    "TOKEN_BLACKLIST_SERIALIZER": "keys.serializers.Blacklist",
    "TOKEN_VERIFY_SERIALIZER": "keys.serializers.Verify",
}
