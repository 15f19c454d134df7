from settings import *  # noqa: F403
from settings import INSTALLED_APPS, SIMPLE_JWT

INSTALLED_APPS.insert(0, "people")
AUTH_USER_MODEL = "people.Person"
SIMPLE_JWT |= {"USER_ID_FIELD": "public_id", "CHECK_REVOKE_TOKEN": True}
