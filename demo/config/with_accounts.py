"""The blog's settings with accounts: django-allauth signs in, and each sign-in ends in our session.

`make demo` uses them.
"""

import os

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS as BASE_APPS
from config.settings import MIDDLEWARE as BASE_MIDDLEWARE
from config.settings import THROTTLES
from provider import PROVIDER_ID, WEB_CLIENT

ROOT_URLCONF = "config.with_accounts_urls"
INSTALLED_APPS = [
    *BASE_APPS,
    "allauth",
    "allauth.account",
    "allauth.headless",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "drf_ratchet.allauth",
]
MIDDLEWARE = [*BASE_MIDDLEWARE, "allauth.account.middleware.AccountMiddleware"]
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]

HEADLESS_ONLY = True
HEADLESS_TOKEN_STRATEGY = "drf_ratchet.allauth.RatchetTokenStrategy"
HEADLESS_FRONTEND_URLS = {
    "account_confirm_email": "/",
    "account_reset_password": "/",
    "account_reset_password_from_key": "/",
    "account_signup": "/",
    "socialaccount_login_error": "/",
}

# Mails go to the terminal.
EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
DEFAULT_FROM_EMAIL = "blog@example.com"
ACCOUNT_SIGNUP_FIELDS = ["username*", "email*", "password1*"]
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
if not THROTTLES:
    ACCOUNT_RATE_LIMITS = False

MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_PASSKEY_LOGIN_ENABLED = True
# The loopback has no TLS.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = True
# A phone's clock may be half a minute off.
MFA_TOTP_TOLERANCE = 1
MFA_TOTP_ISSUER = "drf-ratchet demo"

# An OpenID Connect provider, if there is one at this address.
FORM_ACTION = "'self'"
PROVIDER_URL = os.environ.get("PROVIDER_URL", "")
if PROVIDER_URL:
    # The button's form leads to the provider by a redirect.
    FORM_ACTION += f" {PROVIDER_URL}"
    PROVIDER = {"id": PROVIDER_ID, "name": "the provider beside it"}
    SOCIALACCOUNT_PROVIDERS = {
        "openid_connect": {
            "OAUTH_PKCE_ENABLED": True,
            "APPS": [
                {
                    "provider_id": PROVIDER["id"],
                    "name": PROVIDER["name"],
                    "client_id": WEB_CLIENT,
                    # demo/serve_with_provider.py gives both the same.
                    "secret": os.environ["CLIENT_SECRET"],
                    "settings": {"server_url": PROVIDER_URL},
                }
            ],
        }
    }
