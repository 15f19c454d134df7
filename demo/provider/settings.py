"""Settings of the provider. `serve.py` sets the environment variables that they read."""

import os
from pathlib import Path

from config.secret_key import secret_key
from provider import APP_SCHEME

PROVIDER_DIR = Path(__file__).resolve().parent
DATA_DIR = Path(os.environ.get("DATA_DIR") or PROVIDER_DIR.parent / "var")

SECRET_KEY = secret_key(DATA_DIR / "provider-secret-key")
ALLOWED_HOSTS = ["127.0.0.1"]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "oauth2_provider",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "provider.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        # They replace the toolkit's base template, which needs static files.
        "DIRS": [PROVIDER_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
            ],
        },
    },
]
DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": DATA_DIR / "provider.sqlite3"},
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True

# Cookies are not isolated by port (RFC 6265, section 8.5), and the demo has the same host.
SESSION_COOKIE_NAME = "provider_sessionid"
CSRF_COOKIE_NAME = "provider_csrftoken"
LOGIN_URL = "login"
# After a sign-in at the provider itself.
LOGIN_REDIRECT_URL = os.environ.get("BLOG", "/")

OAUTH2_PROVIDER = {
    "OIDC_ENABLED": True,
    # Made at each start. A client that finds an unknown key id fetches the keys again.
    "OIDC_RSA_PRIVATE_KEY": os.environ.get("OIDC_KEY", ""),
    "OIDC_RESPONSE_TYPES_SUPPORTED": ["code"],
    "OAUTH2_VALIDATOR_CLASS": "provider.claims.ProfileValidator",
    "SCOPES": {
        "openid": "Sign you in",
        "profile": "Read your name",
        "email": "Read your email address",
    },
    "ALLOWED_REDIRECT_URI_SCHEMES": ["http", "https", APP_SCHEME],
    "ID_TOKEN_EXPIRE_SECONDS": 600,
    "ACCESS_TOKEN_EXPIRE_SECONDS": 600,
    # RFC 9700: no implicit flow, no passwords, PKCE by S256 alone, and "iss" in each response.
    "PKCE_REQUIRED": True,
    "COMPLIANT_BCP_RFC9700_IMPLICIT_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PASSWORD_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PKCE_METHOD": True,
    "COMPLIANT_BCP_RFC9700_ACCESS_TOKEN_TRANSPORT": True,
    "COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS": True,
    "COMPLIANT_BCP_RFC9700_TOKEN_STORAGE": True,
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"stderr": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    # A refused request (4xx) is normal; a 500 is not.
    "loggers": {"django.request": {"level": "ERROR"}},
}
