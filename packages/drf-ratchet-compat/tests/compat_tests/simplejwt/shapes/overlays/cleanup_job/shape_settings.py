from settings import *  # noqa: F403
from settings import SIMPLE_JWT

SIMPLE_JWT["TOKEN_OBTAIN_SERIALIZER"] = "remember.RememberMe"
