"""The shapes of projects, as data. A new one is an entry of ``SHAPES``.

Nothing here needs Django: a shape is read before the settings are there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

Said = dict[str, Any]

FEED_INTERVAL = timedelta(milliseconds=20)
SERVICES = {"billing": "the secret of billing, for the tests alone"}

#: What a project sets before it goes live.
LIVE = {
    "DEBUG": False,
    "ALLOWED_HOSTS": ["localhost", ".localhost"],
    "SECRET_KEY": "a key for the gauntlet alone: Tq3vZkX8_m2WcRy7LhPd5NsJf9BgUe",
    "SECURE_SSL_REDIRECT": True,
}


@dataclass(frozen=True, kw_only=True)
class Shape:
    """One kind of project: what its settings add to startproject's, and what follows for clients.

    Args:
        base: settings that every live project has.
        settings: of Django, and of other packages; each replaces what was there.
        apps: added to ``INSTALLED_APPS``.
        first_middleware: put before startproject's.
        middleware: put after it.
        rest: added to ``REST_FRAMEWORK``.
        ratchet: added to ``DRF_RATCHET``.
        database: added to each entry of ``DATABASES``.
        aliases: of ``DATABASES``.
        databases: kinds of database that such a project may have.
        caches_at_valkey: whether its cache is a Valkey's.
        through_pgbouncer: whether its connections go through a pgbouncer, in transaction mode.
        asgi: whether its server speaks ASGI.
        urls: the URL configuration.
        route: what stands before ``api/`` there, as a route.
        namespace: of the URLs, and their application's name.
        suffix: behind each path in place of its last slash.
        i18n: whether the URLs are in ``i18n_patterns``.
        prefix: what a client writes for ``route``.
        query: behind each path.
        version: of the API that is described.
        stripped: the part of the path that a proxy in front takes away.
        host: where a client finds it.
        headers: that a client of such a project always sends.
        username: what people are called by, out of a short name.
        says: makes the contract's body out of one of this project's, given the status.
        translates: makes a name in a body out of the contract's.
        anonymous: the status of the project's own views, where the contract has 401.
        warns: ids of ours that ``check`` reports.
        warns_of_deployment: and those that ``check --deploy`` adds.
        refuses: the id of an error with which ``check`` refuses such a project: no story then.
        failures: wrong passwords for one account, before a network is shut out.
        locked_by: the package that shuts it out, where that is another one.
        inside: the path of a context manager, given a host: where its tenant's tables are.
        prepare: the path of what makes the tables, given the shape; for "migrate" in each database.
        without: steps that such a project cannot have, each with the reason.
        also: steps that only such a project has.
        proves: the path of a callable that returns a user's further credentials.
        signs_in: the serializer at ``token/``, where it is the project's own.
        costs: statements in the place of ``story.COSTS``.
        logs: texts of records at ERROR that are right here.
        then: settings with which it is deployed anew in the middle of the story.
        access_survives: whether access tokens of before are good then.
        forwards: whether a proxy in front tells where a request comes from.
    """

    base: Mapping[str, Any] = field(default_factory=lambda: LIVE)
    settings: Mapping[str, Any] = field(default_factory=dict)
    apps: tuple[str, ...] = ()
    first_middleware: tuple[str, ...] = ()
    middleware: tuple[str, ...] = ()
    rest: Mapping[str, Any] = field(default_factory=dict)
    ratchet: Mapping[str, Any] = field(default_factory=dict)
    database: Mapping[str, Any] = field(default_factory=dict)
    aliases: tuple[str, ...] = ("default",)
    databases: tuple[str, ...] = ("sqlite", "postgresql")
    caches_at_valkey: bool = False
    through_pgbouncer: bool = False
    asgi: bool = False
    urls: str = "tests.projects.urls"
    route: str = ""
    namespace: str = ""
    suffix: str = ""
    i18n: bool = False
    prefix: str = "/"
    query: str = ""
    version: str = ""
    stripped: str = ""
    host: str = "localhost"
    headers: Mapping[str, str] = field(default_factory=dict)
    username: Callable[[str], Any] = str
    says: Callable[[int, Any], Any] = lambda status, body: body
    translates: Callable[[str], str] = str
    anonymous: int = 401
    warns: frozenset[str] = frozenset()
    warns_of_deployment: frozenset[str] = frozenset({"ratchet.W006"})
    refuses: str = ""
    failures: int = 20
    locked_by: str = ""
    inside: str = ""
    prepare: str = ""
    without: Mapping[str, str] = field(default_factory=dict)
    also: tuple[str, ...] = ()
    proves: str = ""
    signs_in: str = ""
    costs: Mapping[str, Any] = field(default_factory=dict)
    logs: tuple[str, ...] = ()
    then: Mapping[str, Any] = field(default_factory=dict)
    access_survives: bool = True
    forwards: bool = False


POSTGRESQL = ("postgresql",)
JWT = "drf_ratchet.authentication.JWTAuthentication"
PEOPLE = "tests.projects.apps"
TENANCY = "tests.projects.tenancy"
MODEL_BACKEND = "django.contrib.auth.backends.ModelBackend"
LOCMEM = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
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


def camel(name: str) -> str:
    """Return a name as JavaScript writes it."""
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)


def snake(value: Any) -> Any:
    """Return a body with its names as the contract has them.

    Raises:
        AssertionError: they are so already.
    """
    if isinstance(value, list):
        return [snake(one) for one in value]
    if not isinstance(value, dict):
        return value
    assert not any("_" in name for name in value), f"not in camel case: {value}"
    return {
        re.sub("[A-Z]", lambda big: f"_{big[0].lower()}", k): snake(v) for k, v in value.items()
    }


def out_of_standardized_errors(status: int, body: Any) -> Any:
    """Return the contract's body of one of drf-standardized-errors."""
    if status < 400 or "errors" not in body:
        return body
    errors = body["errors"]
    by_name = {one["attr"]: one for one in errors}
    if None in by_name:
        return {"detail": by_name[None]["detail"], "code": by_name[None]["code"]}
    if "detail" in by_name:
        return _refusal(by_name["detail"]["code"], {k: v["detail"] for k, v in by_name.items()})
    return {one["attr"]: [one["detail"]] for one in errors}


def out_of_json_api(status: int, body: Any) -> Any:
    """Return the contract's body of one as JSON:API has it."""
    if status >= 400:
        if "errors" not in body:  # the endpoints for services
            return body
        errors = body["errors"]
        by_name = {one.get("source", {}).get("pointer", "").split("/")[-1]: one for one in errors}
        if "detail" in by_name:
            said = {name: one["detail"] for name, one in by_name.items()}
            return _refusal(by_name["detail"]["code"], said)
        if by_name.keys() <= {"", "data"}:  # one error, or the members of ours, in their order
            names = ("detail", "code", "reason")
            said = {name: one["detail"] for name, one in zip(names, errors, strict=False)}
            return _refusal(errors[0]["code"], said)
        return {name: [one["detail"]] for name, one in by_name.items()}
    data = body["data"]
    return [_resource(one) for one in data] if isinstance(data, list) else _resource(data)


def _resource(data: Any) -> Any:
    if data is None:
        return {}
    if "type" not in data:
        return data
    own = {"id": data["id"]} if data.get("id") is not None else {}
    return {**own, **data.get("attributes", {})}


def _refusal(code: str, said: Said) -> Said:
    assert said.get("code", code) == code, f"{said} has the code {code!r} on its leaf"
    return {**said, "code": code}


def out_of_codes(status: int, body: Any) -> Any:
    """Return the contract's body out of ``handlers.with_codes``."""
    if status < 400:
        return body
    body, codes, full = body["body"], body["codes"], body["full"]
    if "reason" in body or "code" in body:
        assert codes["detail"] == body["code"] == full["detail"]["code"], (body, codes, full)
    elif isinstance(codes, dict):
        assert codes.keys() == full.keys() == body.keys(), (body, codes, full)
    return body


#: RFC 8037, appendix A.
ED25519_KEY = {
    "kty": "OKP",
    "crv": "Ed25519",
    "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
    "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPJHURo",
}

SHAPES: dict[str, Shape] = {
    "startproject": Shape(
        base={},
        warns_of_deployment=frozenset({"ratchet.W006", "ratchet.W009", "ratchet.E007"}),
    ),
    "live": Shape(),
    "debug": Shape(settings={"DEBUG": True}),
    "api_only": Shape(
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
        apps=(f"{PEOPLE}.email_users",),
        settings={"AUTH_USER_MODEL": "email_users.User"},
        username=email,
    ),
    "uuid_key": Shape(
        apps=(f"{PEOPLE}.uuid_users",), settings={"AUTH_USER_MODEL": "uuid_users.User"}
    ),
    "public_user_id": Shape(
        apps=(f"{PEOPLE}.public_id_users",),
        settings={"AUTH_USER_MODEL": "public_id_users.User"},
        ratchet={"USER_ID_FIELD": "public_id"},
    ),
    "proxy_and_child_users": Shape(
        apps=(f"{PEOPLE}.family",),
        also=("saved_through_a_proxy", "saved_through_a_child"),
    ),
    "users_in_two_tables": Shape(
        apps=(f"{PEOPLE}.member_users",), settings={"AUTH_USER_MODEL": "member_users.Member"}
    ),
    "hidden_users": Shape(
        apps=(f"{PEOPLE}.hidden_users",),
        settings={"AUTH_USER_MODEL": "hidden_users.User"},
        also=("hidden_user",),
    ),
    "stateful_users": Shape(
        apps=(f"{PEOPLE}.stateful_users",), settings={"AUTH_USER_MODEL": "stateful_users.User"}
    ),
    "case_insensitive_names": Shape(
        apps=(f"{PEOPLE}.collated_users",),
        settings={"AUTH_USER_MODEL": "collated_users.User"},
        databases=("sqlite", "postgresql", "mariadb"),
        username=email,
        prepare="tests.projects.tables.with_citext",
        also=("another_case",),
    ),
    # Databases
    "users_in_second_database": Shape(
        aliases=("default", "people"),
        settings={
            "DATABASE_ROUTERS": [f"{TENANCY}.UsersElsewhere"],
            "ELSEWHERE": ("auth", "admin", "contenttypes", "sessions", "notes", "drf_ratchet"),
        },
    ),
    "users_apart_from_sessions": Shape(
        aliases=("default", "people"),
        settings={
            "DATABASE_ROUTERS": [f"{TENANCY}.UsersElsewhere"],
            "ELSEWHERE": ("auth", "admin", "contenttypes", "sessions", "notes"),
        },
        refuses="ratchet.E",
    ),
    "database_per_tenant": Shape(
        aliases=("default", "a", "b"),
        settings={"DATABASE_ROUTERS": [f"{TENANCY}.DatabaseRouter"]},
        first_middleware=(f"{TENANCY}.DatabaseOfHost",),
        ratchet={"ISSUER": named(f"{TENANCY}.database_issuer")},
        host="a.localhost",
        inside=f"{TENANCY}.database_of",
        also=("two_tenants",),
    ),
    "schema_per_tenant": Shape(
        databases=POSTGRESQL,
        settings={
            "SHARED_APPS": [
                "django_tenants",
                f"{PEOPLE}.tenants",
                *(
                    TENANT_APPS := [
                        "django.contrib.admin",
                        "django.contrib.auth",
                        "django.contrib.contenttypes",
                        "django.contrib.sessions",
                        "django.contrib.messages",
                        "rest_framework",
                        "drf_ratchet",
                        f"{PEOPLE}.notes",
                    ]
                ),
            ],
            "TENANT_APPS": TENANT_APPS,
            "INSTALLED_APPS": ["django_tenants", f"{PEOPLE}.tenants", *TENANT_APPS],
            "TENANT_MODEL": "tenants.Tenant",
            "TENANT_DOMAIN_MODEL": "tenants.Domain",
            "DATABASE_ROUTERS": ["django_tenants.routers.TenantSyncRouter"],
        },
        database={"ENGINE": "django_tenants.postgresql_backend"},
        first_middleware=("django_tenants.middleware.main.TenantMainMiddleware",),
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
    "replica": Shape(
        aliases=("default", "replica"),
        settings={"DATABASE_ROUTERS": [f"{TENANCY}.Replica"]},
    ),
    "atomic_requests": Shape(database={"ATOMIC_REQUESTS": True}),
    "persistent_connections": Shape(database={"CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": True}),
    "psycopg_pool": Shape(
        databases=POSTGRESQL,
        database={"OPTIONS": {"pool": {"min_size": 1, "max_size": 2, "timeout": 5}}},
    ),
    "pgbouncer": Shape(
        databases=POSTGRESQL,
        through_pgbouncer=True,
        database={"DISABLE_SERVER_SIDE_CURSORS": True, "CONN_MAX_AGE": 60},
    ),
    "server_side_binding": Shape(
        databases=POSTGRESQL, database={"OPTIONS": {"server_side_binding": True}}
    ),
    "serializable": Shape(databases=POSTGRESQL, database={"OPTIONS": {"isolation_level": 4}}),
    # Paths and versions
    "url_versioning": Shape(
        rest={
            "DEFAULT_VERSIONING_CLASS": "rest_framework.versioning.URLPathVersioning",
            "ALLOWED_VERSIONS": ["v1"],
        },
        route="<str:version>/",
        prefix="/v1/",
    ),
    "namespace_versioning": Shape(
        rest={"DEFAULT_VERSIONING_CLASS": "rest_framework.versioning.NamespaceVersioning"},
        route="v1/",
        namespace="v1",
        prefix="/v1/",
    ),
    "header_versioning": Shape(
        rest={
            "DEFAULT_VERSIONING_CLASS": "rest_framework.versioning.AcceptHeaderVersioning",
            "ALLOWED_VERSIONS": ["1.0"],
        },
        headers={"Accept": "application/json; version=1.0"},
    ),
    "query_versioning": Shape(
        rest={
            "DEFAULT_VERSIONING_CLASS": "rest_framework.versioning.QueryParameterVersioning",
            "ALLOWED_VERSIONS": ["1.0"],
        },
        query="?version=1.0",
    ),
    "captured_arguments": Shape(
        route="<slug:tenant>/<int:account>/<uuid:id>/",
        prefix="/acme/7/0190a1b2-0000-7000-8000-000000000000/",
    ),
    "format_suffixes": Shape(suffix=".json"),
    "sub_path": Shape(settings={"FORCE_SCRIPT_NAME": "/shop"}, prefix="/shop/", stripped="/shop"),
    "translated_urls": Shape(
        settings={"LANGUAGE_CODE": "en", "LANGUAGES": [("en", "English"), ("de", "Deutsch")]},
        middleware=("django.middleware.locale.LocaleMiddleware",),
        i18n=True,
        prefix="/de/",
        also=("translated",),
    ),
    # Django REST framework's settings, and what replaces them
    "standardized_errors": Shape(
        apps=("drf_standardized_errors",),
        rest={"EXCEPTION_HANDLER": "drf_standardized_errors.handler.exception_handler"},
        says=out_of_standardized_errors,
    ),
    "exception_handler_of_codes": Shape(
        rest={"EXCEPTION_HANDLER": "tests.projects.handlers.with_codes"},
        says=out_of_codes,
    ),
    "camel_case": Shape(
        rest={
            "DEFAULT_RENDERER_CLASSES": [
                "djangorestframework_camel_case.render.CamelCaseJSONRenderer"
            ],
            "DEFAULT_PARSER_CLASSES": ["djangorestframework_camel_case.parser.CamelCaseJSONParser"],
        },
        says=lambda status, body: snake(body),
    ),
    "json_api": Shape(
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
        apps=("drf_spectacular",),
        rest={"DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema"},
    ),
    "spectacular_of_versions": Shape(
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
        rest={
            "DEFAULT_THROTTLE_CLASSES": ["rest_framework.throttling.ScopedRateThrottle"],
            "DEFAULT_THROTTLE_RATES": {"uploads": "10/day"},
        },
    ),
    "usual_defaults": Shape(
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
    "nobody_is_none": Shape(rest={"UNAUTHENTICATED_USER": None, "UNAUTHENTICATED_TOKEN": None}),
    "our_classes_as_defaults": Shape(
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
    ),
    "our_throttle_as_default": Shape(
        rest={"DEFAULT_THROTTLE_CLASSES": ["drf_ratchet.throttling.SignInThrottle"]},
    ),
    "session_and_basic_last": Shape(
        rest={
            "DEFAULT_AUTHENTICATION_CLASSES": [
                JWT,
                "rest_framework.authentication.SessionAuthentication",
                "rest_framework.authentication.BasicAuthentication",
            ]
        },
    ),
    "session_and_basic_first": Shape(
        rest={
            "DEFAULT_AUTHENTICATION_CLASSES": [
                "rest_framework.authentication.SessionAuthentication",
                "rest_framework.authentication.BasicAuthentication",
                JWT,
            ]
        },
        anonymous=403,
        warns=frozenset({"ratchet.W008"}),
    ),
    "access_token_in_a_cookie": Shape(
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
        apps=("django_otp", "django_otp.plugins.otp_static"),
        middleware=("django_otp.middleware.OTPMiddleware",),
        signs_in="tests.projects.otp.CodeSerializer",
        proves="tests.projects.otp.code_for",
        costs={"sign in": 7},
        also=("second_factor",),
    ),
    "cors": Shape(
        apps=("corsheaders",),
        first_middleware=("corsheaders.middleware.CorsMiddleware",),
        settings={
            "CORS_ALLOWED_ORIGINS": ["https://app.example"],
            "CORS_ALLOW_HEADERS": ["authorization", "content-type", "idempotency-key"],
        },
        also=("preflight",),
    ),
    "inactive_users_authenticate": Shape(
        settings={
            "AUTHENTICATION_BACKENDS": ["django.contrib.auth.backends.AllowAllUsersModelBackend"]
        },
    ),
    # Django's settings
    "naive_times": Shape(
        settings={"USE_TZ": False, "TIME_ZONE": "Europe/Berlin"},
        also=("clocks_go_back",),
    ),
    "naive_times_in_new_york": Shape(
        settings={"USE_TZ": False, "TIME_ZONE": "America/New_York"},
        also=("clocks_go_back",),
    ),
    "german": Shape(settings={"LANGUAGE_CODE": "de"}, also=("translated",)),
    "arabic": Shape(settings={"LANGUAGE_CODE": "ar", "USE_THOUSAND_SEPARATOR": True}),
    "valkey": Shape(caches_at_valkey=True, warns_of_deployment=NO_WARNING),
    "database_cache": Shape(
        settings={
            "CACHES": {
                "default": {
                    "BACKEND": "django.core.cache.backends.db.DatabaseCache",
                    "LOCATION": "cache",
                }
            }
        },
        refuses="ratchet.E",
    ),
    "file_cache": Shape(
        settings={
            "CACHES": {
                "default": {
                    "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
                    "LOCATION": "cache",
                }
            }
        },
        refuses="ratchet.E",
    ),
    "site_wide_middleware": Shape(
        first_middleware=(
            "django.middleware.cache.UpdateCacheMiddleware",
            "django.middleware.gzip.GZipMiddleware",
            "django.middleware.http.ConditionalGetMiddleware",
        ),
        middleware=("django.middleware.cache.FetchFromCacheMiddleware",),
    ),
    "login_required_everywhere": Shape(
        middleware=("django.contrib.auth.middleware.LoginRequiredMiddleware",)
    ),
    "manifest_of_static_files": Shape(
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
        settings={
            "SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https"),
            "USE_X_FORWARDED_HOST": True,
        },
        rest={"NUM_PROXIES": 1},
        forwards=True,
    ),
    # Deployed anew in the middle of the story
    "secret_key_rotated": Shape(
        then={
            "SECRET_KEY": "another key for the gauntlet: 8sVbQx_Zr5Lk2TnW7yHc4PmJd9GfEu3a",
            "SECRET_KEY_FALLBACKS": [LIVE["SECRET_KEY"]],
        },
    ),
    "keys_introduced": Shape(
        then={"DRF_RATCHET": {"KEYS": ED25519_KEY}},
        access_survives=False,
    ),
    "hasher_upgraded": Shape(
        settings={"PASSWORD_HASHERS": ["tests.projects.hashers.OfLastYear"]},
        then={"PASSWORD_HASHERS": ["tests.projects.hashers.OfThisYear"]},
    ),
    "asgi": Shape(asgi=True),
}
