"""drf-ratchet with a directory of keys."""

import os
from datetime import timedelta

from django.core.wsgi import get_wsgi_application
from django.urls import include, path

from peers.project import configure

configure(
    __name__,
    apps=["rest_framework", "drf_ratchet"],
    REST_FRAMEWORK={
        "DEFAULT_AUTHENTICATION_CLASSES": ["drf_ratchet.authentication.JWTAuthentication"],
        # All of the load comes from one address.
        "DEFAULT_THROTTLE_RATES": dict.fromkeys(
            (
                *("sign_in", "sign_in_address", "sign_in_account", "sign_in_success"),
                *("refresh", "refresh_failures", "service_failures"),
            )
        ),
    },
    # The load is to fall on the keys, and not on hashes.
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    DRF_RATCHET={
        "KEYS": os.environ["KEYS"],
        "KEY_PUBLISH_DELAY": timedelta(seconds=float(os.environ["KEY_PUBLISH_DELAY"])),
        "JWKS_MAX_AGE": timedelta(seconds=1),
    },
)

urlpatterns = [
    path("", include("drf_ratchet.well_known")),
    path("api/", include("drf_ratchet.urls")),
]
application = get_wsgi_application()
