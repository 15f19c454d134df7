from settings import *  # noqa: F403
from settings import INSTALLED_APPS, SIMPLE_JWT

INSTALLED_APPS += ["devices"]
SIMPLE_JWT["TOKEN_OBTAIN_SERIALIZER"] = "devices.serializers.Obtain"
