"""The demo under attack: a proxy in front, passwords counted, and one kind of throttle or other."""

import os

from config.settings import *  # noqa: F403
from config.settings import REST_FRAMEWORK, SCOPES
from tests.mysqldb import use_pymysql_for_mariadb

use_pymysql_for_mariadb()

PASSWORD_HASHERS = ["tests.attacks.hasher.CountingHasher"]

RATE = os.environ["RATE"]
if os.environ["THROTTLE"] == "drf":
    chosen = {
        "DEFAULT_THROTTLE_CLASSES": ["rest_framework.throttling.ScopedRateThrottle"],
        "DEFAULT_THROTTLE_RATES": {**dict.fromkeys(SCOPES), "token_obtain": RATE},
    }
else:
    chosen = {
        "DEFAULT_THROTTLE_RATES": {
            **dict.fromkeys(SCOPES),
            "sign_in_account": RATE,
            "sign_in_address": RATE,
        }
    }
# The attacker's many addresses come through X-Forwarded-For, as a proxy would add it.
REST_FRAMEWORK = {**REST_FRAMEWORK, **chosen, "NUM_PROXIES": 1}
