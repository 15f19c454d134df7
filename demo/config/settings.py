"""Settings of the demo project. Environment variables set what differs between machines."""

import os
from pathlib import Path

from config.cache import cache
from config.database import database
from config.secret_key import secret_key

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"

# Security

SECRET_KEY = os.environ.get("SECRET_KEY") or secret_key(VAR_DIR / "secret-key")
# Keys that sign no new tokens and still verify the ones they signed.
SECRET_KEY_FALLBACKS = [
    key.strip() for key in os.environ.get("SECRET_KEY_FALLBACKS", "").split(",") if key.strip()
]
DEBUG = os.environ.get("DEBUG") == "1"
# The demo listens on the loopback interface only.
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]"]
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
# SECURE_SSL_REDIRECT, HSTS and *_COOKIE_SECURE are not set, because the loopback has no TLS. Set
# all of them in production.

# The project

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "drf_ratchet",
    "drf_ratchet_compat.drf_jwt",
    "blog",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    # Translates refusals and the admin into the language that the client requests.
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "drf_ratchet.browser.middleware.BrowsableAPIMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
STATIC_URL = "/static/"
# The browser client, as /static/drf-ratchet/….
STATICFILES_DIRS = [("drf-ratchet", BASE_DIR.parent / "clients" / "js" / "src")]
# Serve the static files of installed packages directly: the demo needs no collectstatic.
WHITENOISE_USE_FINDERS = True
LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

# Storage

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {
    "default": database(
        os.environ.get("DATABASE_URL", ""),
        sqlite_file=VAR_DIR / "db.sqlite3",
        atomic_requests=os.environ.get("ATOMIC_REQUESTS") == "1",
    ),
}
CACHES = {"default": cache(os.environ.get("VALKEY_URL", ""))}
if not os.environ.get("VALKEY_URL"):
    # Without Valkey each worker counts attempts separately, which W006 would report.
    SILENCED_SYSTEM_CHECKS = ["ratchet.W006"]

# Signing in

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
DRF_RATCHET = {
    "CLAIMS": "blog.claims.access_claims",
    # The loopback has no TLS, and Safari rejects Secure cookies there.
    "COOKIE_SECURE": os.environ.get("COOKIE_SECURE") == "1",
    # Clients of djangorestframework-jwt send the scheme JWT.
    "AUTH_HEADER_TYPES": ("Bearer", "JWT"),
}
# The endpoints of djangorestframework-jwt, as in a project that has migrated from it.
JWT_AUTH = {
    "JWT_GENERATION": "1.11",
    "JWT_ALLOW_REFRESH": True,
    # The demo is new, so no client has a token of the old package.
    "JWT_LEGACY_KEYS": (),
}

# What the page's forms may be sent to (Content-Security-Policy). Scripts send them, and a form that
# the browser submits before the script is loaded would put the password into a URL.
FORM_ACTION = "'none'"

# The page after signing in to the browsable API without a "next" parameter.
LOGIN_REDIRECT_URL = "post_list"

# The API

# drf-ratchet's own scopes.
SCOPES = (
    *("sign_in", "sign_in_address", "sign_in_account", "sign_in_success", "step_up"),
    *("refresh", "refresh_failures", "service_failures"),
)
THROTTLES = os.environ.get("THROTTLES") != "off"
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "drf_ratchet.authentication.JWTAuthentication",
        # Signs people in to the browsable API.
        "drf_ratchet.browser.authentication.BrowsableAPIAuthentication",
    ],
    # Views without permission classes require a signed-in user.
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": [
        "rest_framework.renderers.JSONRenderer",
        "rest_framework.renderers.BrowsableAPIRenderer",
    ],
    "DEFAULT_PARSER_CLASSES": [
        "drf_ratchet.parsers.JSONParser",
        "drf_ratchet.parsers.FormParser",
        "drf_ratchet.parsers.MultiPartParser",
    ],
    "EXCEPTION_HANDLER": "config.errors.exception_handler",
    # drf-ratchet's limits are on by default; a rate of None switches one off.
    "DEFAULT_THROTTLE_RATES": {} if THROTTLES else dict.fromkeys(SCOPES),
    # There is no proxy, so the client chooses X-Forwarded-For. With DRF's default (None), a client
    # that changes the header at each request is never throttled.
    "NUM_PROXIES": 0,
    "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.PageNumberPagination",
    "PAGE_SIZE": 20,
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "drf-ratchet: the demo",
    "DESCRIPTION": "A blog, and signing in to it.",
    "VERSION": "1",
    # Leave read-only fields out of the schemas of request bodies.
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": "/api/",
    "SERVE_INCLUDE_SCHEMA": False,
    # Serve Swagger UI from this server instead of a CDN.
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}

# Logging

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        "drf_ratchet": {"level": "INFO"},
        # Without DEBUG, Django would mail errors to ADMINS. Send them to the root's handler.
        "django": {"level": "WARNING", "handlers": []},
        # A refused request (4xx) is normal in an API; a 500 is not.
        "django.request": {"level": "ERROR"},
        # Django leaves it to the server to drop the body of a response to HEAD. gunicorn would log
        # a warning each time.
        "gunicorn.http.wsgi": {"level": "ERROR"},
    },
}
