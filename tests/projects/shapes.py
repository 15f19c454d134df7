"""The shapes of projects, as data. A new one is an entry of ``SHAPES``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.projects.bodies import (
    out_of_codes,
    out_of_json_api,
    out_of_standardized_errors,
    snake,
)
from tests.projects.shape import LIVE, Shape

POSTGRESQL = ("postgresql",)
JWT = "drf_ratchet.authentication.JWTAuthentication"
PEOPLE = "tests.projects.apps"
TENANCY = "tests.projects.tenancy"
MODEL_BACKEND = "django.contrib.auth.backends.ModelBackend"
#: With a shared cache, and all else that a project should have.
NO_WARNING: frozenset[str] = frozenset()


def named(path: str) -> Callable[..., Any]:
    """Return a callable that calls what a path names, once Django is set up."""

    def call(*args: Any) -> Any:
        from django.utils.module_loading import import_string

        return import_string(path)(*args)

    return call


def email(name: str) -> str:
    """Return an address for a name."""
    return f"{name}@example.com"


_TENANT_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "rest_framework",
    "drf_ratchet",
    f"{PEOPLE}.notes",
]
_SHARED_APPS = ["django_tenants", f"{PEOPLE}.tenants", *_TENANT_APPS]
#: What django-tenants says to write.
SCHEMAS: dict[str, Any] = {
    "databases": POSTGRESQL,
    "settings": {
        "SHARED_APPS": _SHARED_APPS,
        "TENANT_APPS": _TENANT_APPS,
        "INSTALLED_APPS": _SHARED_APPS,
        "TENANT_MODEL": "tenants.Tenant",
        "TENANT_DOMAIN_MODEL": "tenants.Domain",
        "DATABASE_ROUTERS": ["django_tenants.routers.TenantSyncRouter"],
    },
    "database": {"ENGINE": "django_tenants.postgresql_backend"},
    "first_middleware": ("django_tenants.middleware.main.TenantMainMiddleware",),
}

#: RFC 8037, appendix A.
ED25519_KEY = {
    "kty": "OKP",
    "crv": "Ed25519",
    "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
    "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
}

SHAPES: dict[str, Shape] = {
    "startproject": Shape(
        what="What `startproject` writes, with the lines of the quick start",
        base={},
        warns_of_deployment=frozenset({"ratchet.W006", "ratchet.W009", "ratchet.E007"}),
    ),
    "live": Shape(
        what="The same with `DEBUG` off, a key of its own and TLS; all below build on it",
    ),
    "debug": Shape(what="`DEBUG` on", settings={"DEBUG": True}),
    "api_only": Shape(
        what="No admin, no Django sessions, no templates",
        settings={
            "INSTALLED_APPS": [
                "django.contrib.auth",
                "django.contrib.contenttypes",
                "rest_framework",
                "drf_ratchet",
                "tests.projects.apps.notes",
            ],
            "MIDDLEWARE": ["django.middleware.common.CommonMiddleware"],
            "TEMPLATES": [],
        },
        rest={"DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"]},
        warns_of_deployment=frozenset({"ratchet.W006", "ratchet.W009"}),
        without={"admin_pages": "it has no admin"},
    ),
    # Users
    "email_as_username": Shape(
        what="Users named by an email address",
        apps=(f"{PEOPLE}.email_users",),
        settings={"AUTH_USER_MODEL": "email_users.User"},
        username=email,
    ),
    "uuid_key": Shape(
        what="Users whose primary key is a UUID",
        apps=(f"{PEOPLE}.uuid_users",),
        settings={"AUTH_USER_MODEL": "uuid_users.User"},
    ),
    "public_user_id": Shape(
        what="`USER_ID_FIELD` is a UUID beside the primary key",
        apps=(f"{PEOPLE}.public_id_users",),
        settings={"AUTH_USER_MODEL": "public_id_users.User"},
        ratchet={"USER_ID_FIELD": "public_id"},
        # The view asks for the primary key, which the token does not know.
        costs={"protected": 1},
        loads_users=True,
    ),
    "proxy_and_child_users": Shape(
        what="Users saved through a proxy and through a child of the user model",
        apps=(f"{PEOPLE}.family",),
        also=("saved_through_a_proxy", "saved_through_a_child"),
    ),
    "users_in_two_tables": Shape(
        what="A user model that inherits from another table",
        apps=(f"{PEOPLE}.member_users",),
        settings={"AUTH_USER_MODEL": "member_users.Member"},
    ),
    "hidden_users": Shape(
        what="A default manager that hides users (soft deletion)",
        apps=(f"{PEOPLE}.hidden_users",),
        settings={"AUTH_USER_MODEL": "hidden_users.User"},
        also=("hidden_user",),
    ),
    "stateful_users": Shape(
        what="A user model with state from `__init__`, and a manager that annotates",
        apps=(f"{PEOPLE}.stateful_users",),
        settings={"AUTH_USER_MODEL": "stateful_users.User"},
    ),
    "case_insensitive_names": Shape(
        what="Names without case: `citext`, `NOCASE`, MariaDB's collation",
        apps=(f"{PEOPLE}.collated_users",),
        settings={"AUTH_USER_MODEL": "collated_users.User"},
        databases=("sqlite", "postgresql", "mariadb"),
        username=email,
        prepare="tests.projects.tables.with_citext",
        also=("another_case",),
    ),
    # Databases
    "users_in_second_database": Shape(
        what="Users, and their sessions with them, in a second database",
        aliases=("default", "people"),
        settings={
            "DATABASE_ROUTERS": [f"{TENANCY}.UsersElsewhere"],
            "ELSEWHERE": ("auth", "admin", "contenttypes", "sessions", "notes", "drf_ratchet"),
        },
    ),
    "users_apart_from_sessions": Shape(
        what="Users in a second database without their sessions: `check` refuses",
        aliases=("default", "people"),
        settings={
            "DATABASE_ROUTERS": [f"{TENANCY}.UsersElsewhere"],
            "ELSEWHERE": ("auth", "admin", "contenttypes", "sessions", "notes"),
        },
        refuses="ratchet.E013",
    ),
    "database_per_tenant": Shape(
        what="A database for each tenant",
        aliases=("default", "a", "b"),
        settings={"DATABASE_ROUTERS": [f"{TENANCY}.DatabaseRouter"]},
        first_middleware=(f"{TENANCY}.DatabaseOfHost",),
        ratchet={"ISSUER": named(f"{TENANCY}.database_issuer")},
        host="a.localhost",
        inside=f"{TENANCY}.database_of",
        also=("two_tenants",),
    ),
    "database_per_tenant_unnamed": Shape(
        what="The same without a callable `ISSUER`: `check` warns",
        aliases=("default", "a", "b"),
        settings={"DATABASE_ROUTERS": [f"{TENANCY}.DatabaseRouter"]},
        first_middleware=(f"{TENANCY}.DatabaseOfHost",),
        refuses="ratchet.W021",
    ),
    "schema_per_tenant": Shape(
        what="A schema for each tenant, by django-tenants",
        **SCHEMAS,
        ratchet={"ISSUER": named(f"{TENANCY}.schema_issuer")},
        host="a.localhost",
        inside=f"{TENANCY}.schema_of",
        # Each request asks for its tenant.
        costs={
            "sign in": 4,
            "refresh": 3,
            "repeat": 2,
            "protected": {"immediate": 2, "bounded": 1, "expiry": 1},
            "me": 2,
            "devices": 3,
        },
        prepare=f"{TENANCY}.make_schemas",
        also=("two_tenants",),
    ),
    "schema_per_tenant_unnamed": Shape(
        what="The same without a callable `ISSUER`: `check` refuses",
        **SCHEMAS,
        refuses="ratchet.E012",
    ),
    "replica": Shape(
        what="A router that reads from a replica",
        aliases=("default", "replica"),
        settings={"DATABASE_ROUTERS": [f"{TENANCY}.Replica"]},
    ),
    "atomic_requests": Shape(what="`ATOMIC_REQUESTS`", database={"ATOMIC_REQUESTS": True}),
    "persistent_connections": Shape(
        what="`CONN_MAX_AGE = None`, with health checks",
        database={"CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": True},
    ),
    "psycopg_pool": Shape(
        what="psycopg's connection pool, of two",
        databases=POSTGRESQL,
        database={"OPTIONS": {"pool": {"min_size": 1, "max_size": 2, "timeout": 5}}},
    ),
    "pgbouncer": Shape(
        what="pgbouncer in transaction mode",
        databases=POSTGRESQL,
        through_pgbouncer=True,
        database={"DISABLE_SERVER_SIDE_CURSORS": True, "CONN_MAX_AGE": 60},
    ),
    "server_side_binding": Shape(
        what="`server_side_binding`",
        databases=POSTGRESQL,
        database={"OPTIONS": {"server_side_binding": True}},
    ),
    "serializable": Shape(
        what="Isolation level SERIALIZABLE",
        databases=POSTGRESQL,
        database={"OPTIONS": {"isolation_level": 4}},
    ),
    # Paths and versions
    "url_versioning": Shape(
        what="DRF's `URLPathVersioning`",
        rest={
            "DEFAULT_VERSIONING_CLASS": "rest_framework.versioning.URLPathVersioning",
            "ALLOWED_VERSIONS": ["v1"],
        },
        route="<str:version>/",
        prefix="/v1/",
    ),
    "namespace_versioning": Shape(
        what="DRF's `NamespaceVersioning`",
        rest={"DEFAULT_VERSIONING_CLASS": "rest_framework.versioning.NamespaceVersioning"},
        route="v1/",
        namespace="v1",
        prefix="/v1/",
    ),
    "header_versioning": Shape(
        what="DRF's `AcceptHeaderVersioning`",
        rest={
            "DEFAULT_VERSIONING_CLASS": "rest_framework.versioning.AcceptHeaderVersioning",
            "ALLOWED_VERSIONS": ["1.0"],
        },
        headers={"Accept": "application/json; version=1.0"},
    ),
    "query_versioning": Shape(
        what="DRF's `QueryParameterVersioning`",
        rest={
            "DEFAULT_VERSIONING_CLASS": "rest_framework.versioning.QueryParameterVersioning",
            "ALLOWED_VERSIONS": ["1.0"],
        },
        query="?version=1.0",
    ),
    "captured_arguments": Shape(
        what="Captured arguments in front of the endpoints: a slug, a number, a UUID",
        route="<slug:tenant>/<int:account>/<uuid:id>/",
        prefix="/acme/7/0190a1b2-0000-7000-8000-000000000000/",
    ),
    "format_suffixes": Shape(what="DRF's `format_suffix_patterns`", suffix=".json"),
    "sub_path": Shape(
        what="`FORCE_SCRIPT_NAME`, below a sub-path",
        settings={"FORCE_SCRIPT_NAME": "/shop"},
        prefix="/shop/",
        stripped="/shop",
    ),
    "translated_urls": Shape(
        what="`i18n_patterns` and `LocaleMiddleware`",
        settings={"LANGUAGE_CODE": "en", "LANGUAGES": [("en", "English"), ("de", "Deutsch")]},
        middleware=("django.middleware.locale.LocaleMiddleware",),
        i18n=True,
        prefix="/de/",
        also=("translated",),
    ),
    # Django REST framework's settings, and what replaces them
    "standardized_errors": Shape(
        what="drf-standardized-errors",
        apps=("drf_standardized_errors",),
        rest={"EXCEPTION_HANDLER": "drf_standardized_errors.handler.exception_handler"},
        says=out_of_standardized_errors,
    ),
    "exception_handler_of_codes": Shape(
        what="An exception handler that calls `get_codes()` and `get_full_details()`",
        rest={"EXCEPTION_HANDLER": "tests.projects.handlers.with_codes"},
        says=out_of_codes,
    ),
    "camel_case": Shape(
        what="djangorestframework-camel-case",
        rest={
            "DEFAULT_RENDERER_CLASSES": [
                "djangorestframework_camel_case.render.CamelCaseJSONRenderer"
            ],
            "DEFAULT_PARSER_CLASSES": ["djangorestframework_camel_case.parser.CamelCaseJSONParser"],
        },
        says=snake,
    ),
    "camel_case_of_two_words": Shape(
        what="The same, with a `USERNAME_FIELD` of two words, which stays as it is in requests",
        apps=(f"{PEOPLE}.login_name_users",),
        settings={"AUTH_USER_MODEL": "login_name_users.User"},
        rest={
            "DEFAULT_RENDERER_CLASSES": [
                "djangorestframework_camel_case.render.CamelCaseJSONRenderer"
            ],
            "DEFAULT_PARSER_CLASSES": ["djangorestframework_camel_case.parser.CamelCaseJSONParser"],
        },
        says=snake,
    ),
    "json_api": Shape(
        what="djangorestframework-jsonapi",
        rest={
            "DEFAULT_RENDERER_CLASSES": ["rest_framework_json_api.renderers.JSONRenderer"],
            "DEFAULT_PARSER_CLASSES": ["rest_framework_json_api.parsers.JSONParser"],
            "DEFAULT_METADATA_CLASS": "rest_framework_json_api.metadata.JSONAPIMetadata",
            "EXCEPTION_HANDLER": "rest_framework_json_api.exceptions.exception_handler",
        },
        headers={"Accept": "application/vnd.api+json"},
        says=out_of_json_api,
    ),
    "spectacular": Shape(
        what="drf-spectacular",
        apps=("drf_spectacular",),
        rest={"DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema"},
    ),
    "spectacular_of_versions": Shape(
        what="drf-spectacular with `URLPathVersioning`",
        apps=("drf_spectacular",),
        rest={
            "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
            "DEFAULT_VERSIONING_CLASS": "rest_framework.versioning.URLPathVersioning",
            "ALLOWED_VERSIONS": ["v1"],
        },
        route="<str:version>/",
        version="v1",
        prefix="/v1/",
    ),
    "scoped_throttle": Shape(
        what="`ScopedRateThrottle` as a default",
        rest={
            "DEFAULT_THROTTLE_CLASSES": ["rest_framework.throttling.ScopedRateThrottle"],
            "DEFAULT_THROTTLE_RATES": {"uploads": "10/day"},
        },
    ),
    "usual_defaults": Shape(
        what="DRF's throttles, pagination, filters and formats as defaults",
        rest={
            "DEFAULT_THROTTLE_CLASSES": [
                "rest_framework.throttling.AnonRateThrottle",
                "rest_framework.throttling.UserRateThrottle",
            ],
            "DEFAULT_THROTTLE_RATES": {"anon": "10000/min", "user": "10000/min"},
            "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.PageNumberPagination",
            "PAGE_SIZE": 2,
            "DEFAULT_FILTER_BACKENDS": [
                "rest_framework.filters.SearchFilter",
                "rest_framework.filters.OrderingFilter",
            ],
            "NON_FIELD_ERRORS_KEY": "errors",
            "DATETIME_FORMAT": "%Y-%m-%dT%H:%M:%SZ",
            "COMPACT_JSON": False,
            "UNICODE_JSON": False,
        },
    ),
    "nobody_is_none": Shape(
        what="`UNAUTHENTICATED_USER` and `UNAUTHENTICATED_TOKEN` are None",
        rest={"UNAUTHENTICATED_USER": None, "UNAUTHENTICATED_TOKEN": None},
    ),
    "our_classes_as_defaults": Shape(
        what="Classes of drf-ratchet as DRF's defaults: authentication, permissions, parsers",
        rest={
            "DEFAULT_AUTHENTICATION_CLASSES": [
                "drf_ratchet.authentication.ImmediateJWTAuthentication",
                JWT,
                "drf_ratchet.browser.authentication.CookieJWTAuthentication",
            ],
            "DEFAULT_PERMISSION_CLASSES": [
                "drf_ratchet.permissions.IsOwner",
                "tests.projects.permissions.WithinTheHour",
            ],
            "DEFAULT_PARSER_CLASSES": [
                "drf_ratchet.parsers.JSONParser",
                "drf_ratchet.parsers.FormParser",
                "drf_ratchet.parsers.MultiPartParser",
            ],
        },
        costs={"protected": 1},
        freshness="immediate",  # the first of the classes asks for no less
    ),
    "our_throttle_as_default": Shape(
        what="`SignInThrottle` as a default",
        rest={"DEFAULT_THROTTLE_CLASSES": ["drf_ratchet.throttling.SignInThrottle"]},
    ),
    "session_and_basic_last": Shape(
        what="Django sessions and Basic after `JWTAuthentication`",
        rest={
            "DEFAULT_AUTHENTICATION_CLASSES": [
                JWT,
                "rest_framework.authentication.SessionAuthentication",
                "rest_framework.authentication.BasicAuthentication",
            ]
        },
        also=("signed_in_by_basic", "signed_in_by_a_django_session"),
    ),
    "session_and_basic_first": Shape(
        what="Django sessions and Basic before it: 403 for 401, and a warning",
        rest={
            "DEFAULT_AUTHENTICATION_CLASSES": [
                "rest_framework.authentication.SessionAuthentication",
                "rest_framework.authentication.BasicAuthentication",
                JWT,
            ]
        },
        anonymous=403,
        warns=frozenset({"ratchet.W008"}),
        also=("signed_in_by_basic", "signed_in_by_a_django_session"),
    ),
    "access_token_in_a_cookie": Shape(
        what="`ACCESS_TOKEN_COOKIE`",
        rest={
            "DEFAULT_AUTHENTICATION_CLASSES": [
                JWT,
                "drf_ratchet.browser.authentication.CookieJWTAuthentication",
            ]
        },
        ratchet={"ACCESS_TOKEN_COOKIE": True},
        without={"browser": "its access token is in a cookie", "other_sites": "so too"},
        also=("browser_with_two_cookies",),
    ),
    # Other packages
    "axes": Shape(
        what="django-axes",
        apps=("axes",),
        middleware=("axes.middleware.AxesMiddleware",),
        settings={
            "AUTHENTICATION_BACKENDS": ["axes.backends.AxesStandaloneBackend", MODEL_BACKEND],
        },
        failures=3,
        locked_by="axes",
        # How often an address has failed, and a row of its log, which asks for a session.
        costs={"sign in": 8},
    ),
    "guardian": Shape(
        what="django-guardian",
        apps=("guardian",),
        settings={
            "AUTHENTICATION_BACKENDS": [
                MODEL_BACKEND,
                "guardian.backends.ObjectPermissionBackend",
            ],
        },
        also=("permission_for_one_object",),
    ),
    "otp": Shape(
        what="django-otp, checked in `SIGN_IN_SERIALIZER`",
        apps=("django_otp", "django_otp.plugins.otp_static"),
        middleware=("django_otp.middleware.OTPMiddleware",),
        ratchet={"SIGN_IN_SERIALIZER": "tests.projects.otp.CodeSerializer"},
        proves="tests.projects.otp.code_for",
        costs={"sign in": 7},
        also=("second_factor",),
    ),
    "cors": Shape(
        what="django-cors-headers",
        apps=("corsheaders",),
        first_middleware=("corsheaders.middleware.CorsMiddleware",),
        settings={
            "CORS_ALLOWED_ORIGINS": ["https://app.example"],
            "CORS_ALLOW_HEADERS": ["authorization", "content-type", "idempotency-key"],
        },
        also=("preflight",),
    ),
    "inactive_users_authenticate": Shape(
        what="`AllowAllUsersModelBackend`",
        settings={
            "AUTHENTICATION_BACKENDS": ["django.contrib.auth.backends.AllowAllUsersModelBackend"]
        },
    ),
    "slow_backend": Shape(
        what="An authentication backend during which users and sessions go away",
        settings={"AUTHENTICATION_BACKENDS": ["tests.projects.backends.SlowBackend"]},
        also=("deleted_meanwhile", "ended_meanwhile", "deactivated_meanwhile"),
    ),
    # Django's settings
    "naive_times": Shape(
        what="`USE_TZ = False` in Berlin",
        settings={"USE_TZ": False, "TIME_ZONE": "Europe/Berlin"},
        also=("clocks_go_back",),
    ),
    "naive_times_in_new_york": Shape(
        what="`USE_TZ = False` in New York",
        settings={"USE_TZ": False, "TIME_ZONE": "America/New_York"},
        also=("clocks_go_back",),
    ),
    "german": Shape(
        what='`LANGUAGE_CODE = "de"`', settings={"LANGUAGE_CODE": "de"}, also=("translated",)
    ),
    "arabic": Shape(
        what='`LANGUAGE_CODE = "ar"`, with thousand separators',
        settings={"LANGUAGE_CODE": "ar", "USE_THOUSAND_SEPARATOR": True},
    ),
    "valkey": Shape(
        what="A cache at Valkey (or Redis)", caches_at_valkey=True, warns_of_deployment=NO_WARNING
    ),
    "database_cache": Shape(
        what="`DatabaseCache`, which counts wrong: `check` refuses",
        settings={
            "CACHES": {
                "default": {
                    "BACKEND": "django.core.cache.backends.db.DatabaseCache",
                    "LOCATION": "cache",
                }
            }
        },
        refuses="ratchet.E015",
    ),
    "file_cache": Shape(
        what="`FileBasedCache`, which counts wrong: `check` refuses",
        settings={
            "CACHES": {
                "default": {
                    "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
                    "LOCATION": "cache",
                }
            }
        },
        refuses="ratchet.E015",
    ),
    "site_wide_middleware": Shape(
        what="GZip and conditional GET",
        first_middleware=(
            "django.middleware.gzip.GZipMiddleware",
            "django.middleware.http.ConditionalGetMiddleware",
        ),
    ),
    "login_required_everywhere": Shape(
        what="`LoginRequiredMiddleware`",
        middleware=("django.contrib.auth.middleware.LoginRequiredMiddleware",),
    ),
    "manifest_of_static_files": Shape(
        what="`ManifestStaticFilesStorage` in `STORAGES`",
        settings={
            "STATIC_ROOT": "static",
            "STORAGES": {
                "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
                "staticfiles": {
                    "BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"
                },
            },
        },
        prepare="tests.projects.tables.and_static_files",
    ),
    "behind_a_proxy": Shape(
        what="A proxy in front: `NUM_PROXIES`, `SECURE_PROXY_SSL_HEADER`",
        settings={
            "SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https"),
            "USE_X_FORWARDED_HOST": True,
        },
        rest={"NUM_PROXIES": 1},
        forwards=True,
    ),
    "asymmetric_keys": Shape(
        what="`KEYS` is an Ed25519 key",
        ratchet={"KEYS": ED25519_KEY, "ISSUER": "https://shop.example", "AUDIENCE": "shop"},
    ),
    # Deployed anew in the middle of the story
    "secret_key_rotated": Shape(
        what="`SECRET_KEY` rotated in the middle, with `SECRET_KEY_FALLBACKS`",
        then={
            "SECRET_KEY": "another key for the gauntlet: 8sVbQx_Zr5Lk2TnW7yHc4PmJd9GfEu3a",
            "SECRET_KEY_FALLBACKS": [LIVE["SECRET_KEY"]],
        },
    ),
    "keys_introduced": Shape(
        what="`KEYS` introduced in the middle",
        then={"DRF_RATCHET": {"KEYS": ED25519_KEY}},
        access_survives=False,
    ),
    "hasher_upgraded": Shape(
        what="A hasher with more iterations in the middle",
        settings={"PASSWORD_HASHERS": ["tests.hashers.OfLastYear"]},
        then={"PASSWORD_HASHERS": ["tests.hashers.OfThisYear"]},
    ),
    "asgi": Shape(what="ASGI, a thread for each request", asgi=True),
}
