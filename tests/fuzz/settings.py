"""The tests' settings for the fuzzer as a program: a database in memory, and nothing throttled."""

import os

os.environ["THROTTLES"] = "off"  # with throttles the endpoints would answer 429 and nothing else

from tests.settings import *  # noqa: F403

DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"},
}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
# What is logged goes to the fuzzer, which looks for tokens in it.
LOGGING_CONFIG = None
