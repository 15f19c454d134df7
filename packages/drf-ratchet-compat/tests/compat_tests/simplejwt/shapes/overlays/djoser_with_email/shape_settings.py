from settings import *  # noqa: F403
from settings import INSTALLED_APPS, SIMPLE_JWT

INSTALLED_APPS[:0] = ["people", "djoser"]
AUTH_USER_MODEL = "people.Person"
ROOT_URLCONF = "shape_urls"
SIMPLE_JWT["AUTH_HEADER_TYPES"] = ["JWT"]
DJOSER = {"LOGIN_FIELD": "email", "TOKEN_MODEL": None}
