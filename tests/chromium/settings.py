"""The demo's settings for a server that real browsers visit, under more than one name.

``TRUSTED_ORIGINS`` are the origins of other pages that may use it, with commas between them.
``PROXIES`` is how many stand in front of it and say who asks.
"""

import os

from corsheaders.defaults import default_headers

from config.settings import ALLOWED_HOSTS, INSTALLED_APPS, MIDDLEWARE, REST_FRAMEWORK
from tests.races.settings import *  # noqa: F403

# Chromium resolves every name below .localhost to the loopback, without asking anybody. Those below
# .test it has to be told about; browsers trust them no more than any host over plain HTTP.
ALLOWED_HOSTS = [*ALLOWED_HOSTS, ".localhost", ".test"]

MIDDLEWARE = ["tests.chromium.witness.witness", *MIDDLEWARE]

if _proxies := os.environ.get("PROXIES"):
    REST_FRAMEWORK = {**REST_FRAMEWORK, "NUM_PROXIES": int(_proxies)}

if _trusted := os.environ.get("TRUSTED_ORIGINS"):
    INSTALLED_APPS = [*INSTALLED_APPS, "corsheaders"]
    MIDDLEWARE = ["corsheaders.middleware.CorsMiddleware", *MIDDLEWARE]
    CSRF_TRUSTED_ORIGINS = CORS_ALLOWED_ORIGINS = _trusted.split(",")
    # As docs/browsers.md has it.
    CORS_ALLOW_CREDENTIALS = True
    CORS_ALLOW_HEADERS = (*default_headers, "idempotency-key")
    CORS_EXPOSE_HEADERS = ["WWW-Authenticate", "Retry-After"]
