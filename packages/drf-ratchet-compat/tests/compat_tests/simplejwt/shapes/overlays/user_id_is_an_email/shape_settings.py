from settings import *  # noqa: F403
from settings import INSTALLED_APPS, SIMPLE_JWT

INSTALLED_APPS.insert(0, "people")
AUTH_USER_MODEL = "people.Person"
ROOT_URLCONF = "shape_urls"
SIMPLE_JWT |= {"USER_ID_FIELD": "email", "USER_ID_CLAIM": "sub"}
