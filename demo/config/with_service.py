"""The blog's settings with a service beside it, which verifies the blog's tokens."""

import os

from config.secret_key import secret_key
from config.settings import *  # noqa: F403
from config.settings import DRF_RATCHET as BASE
from config.settings import VAR_DIR

ROOT_URLCONF = "config.with_service_urls"

DRF_RATCHET = {
    **BASE,
    "ISSUER": f"http://127.0.0.1:{os.environ.get('PORT') or 8000}",
    # The blog itself, and the service.
    "AUDIENCE": ["blog", "orders"],
    "CLIENT_ID": "blog-web",
    # A directory of private keys, whose public halves are published. demo/serve_both.py creates it.
    "KEYS": os.environ.get("KEYS") or str(VAR_DIR / "keys"),
    "SERVICE_SECRETS": {
        "orders": os.environ.get("SERVICE_SECRET") or secret_key(VAR_DIR / "service-secret")
    },
}
