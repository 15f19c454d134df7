"""django-allauth: headless, with the JWT token strategy as its page "JWT Tokens" has it.

RS256 (HEADLESS_JWT_ALGORITHM) and rotation (HEADLESS_JWT_ROTATE_REFRESH_TOKEN) are its defaults.
The limit on sign-ins is off: it would stop a race of many rounds.
"""

import os

# allauth 65.21 reads its key with modules of cryptography that it imports nowhere. PyJWT does,
# which allauth itself loads only after that: without this line the first sign-in is a 500.
import jwt  # noqa: F401
from django.core.wsgi import get_wsgi_application
from django.urls import include, path

from peers.project import configure

configure(
    __name__,
    apps=["allauth", "allauth.account", "allauth.headless"],
    middleware=["allauth.account.middleware.AccountMiddleware"],
    AUTHENTICATION_BACKENDS=[
        "django.contrib.auth.backends.ModelBackend",
        "allauth.account.auth_backends.AuthenticationBackend",
    ],
    ACCOUNT_RATE_LIMITS=False,
    HEADLESS_ONLY=True,
    HEADLESS_TOKEN_STRATEGY="allauth.headless.tokens.strategies.jwt.JWTTokenStrategy",
    HEADLESS_JWT_PRIVATE_KEY=os.environ["RSA_PRIVATE_KEY"],
)

urlpatterns = [
    path("accounts/", include("allauth.urls")),
    path("_allauth/", include("allauth.headless.urls")),
]
application = get_wsgi_application()
