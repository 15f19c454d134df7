from settings import *  # noqa: F403
from settings import REST_FRAMEWORK, SIMPLE_JWT

ROOT_URLCONF = "shape_urls"
REST_FRAMEWORK["DEFAULT_AUTHENTICATION_CLASSES"] = ["cookies.authentication.CookieAuthentication"]
SIMPLE_JWT["TOKEN_REFRESH_SERIALIZER"] = "cookies.serializers.FromCookie"
