from settings import *  # noqa: F403
from settings import INSTALLED_APPS

INSTALLED_APPS.remove("rest_framework_simplejwt.token_blacklist")
