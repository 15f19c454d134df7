"""Each check of choices that cost safety: when it speaks, and when it does not."""

import json
import os
import re
import secrets
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.core import mail
from django.core.checks import CheckMessage, registry
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.core.management.utils import get_random_secret_key
from django.test import override_settings
from django.urls import include, path
from rest_framework.authentication import BaseAuthentication
from rest_framework.throttling import UserRateThrottle

from drf_ratchet import checks
from drf_ratchet.authentication import JWTAuthentication
from drf_ratchet.checks.claims import claim_names, looks_secret
from drf_ratchet.checks.secret_key import is_guessable
from drf_ratchet.management import doctor
from drf_ratchet.throttling import RATES, SignInThrottle
from ratchet_tokens.key_directory import new_key
from ratchet_tokens.key_files import read_file
from tests.console import ROOT

pytestmark = pytest.mark.any_database

GOOD_SECRET = "7Jq-tB0xYw3V_nR5kLzA9pD2sGfHuM4eXcQiCvNbO6T8jWyE"
LOCMEM = "django.core.cache.backends.locmem.LocMemCache"
REDIS = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://valkey"}
DOCS = ROOT / "docs" / "checks.md"
SOURCES = Path(checks.__file__).parent

Check = Callable[..., list[CheckMessage]]


def ids(check: Check, **given: Any) -> list[str | None]:
    with override_settings(**given):
        found = check()
    assert all(message.hint for message in found)
    return [message.id for message in found]


# Keys


def test_keys(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    new_key(keys, "Ed25519", time.time(), signs_from=0)

    assert ids(checks.check_keys, DRF_RATCHET={}) == []
    assert ids(checks.check_keys, DRF_RATCHET={"KEYS": keys}) == []
    assert ids(checks.check_keys, DRF_RATCHET={"KEYS": tmp_path / "none"}) == ["ratchet.E009"]
    assert ids(checks.check_keys, DRF_RATCHET={"KEYS": tmp_path}) == ["ratchet.E009"]
    hasty = {"KEYS": keys, "KEY_PUBLISH_DELAY": timedelta(minutes=5)}
    assert ids(checks.check_keys, DRF_RATCHET=hasty) == ["ratchet.E010"]


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
def test_weak_keys() -> None:
    """RFC 7518: HMAC under 256 bits, RSA under 2048."""
    short_hmac = {"kty": "oct", "k": "c2hvcnQ", "kid": "a"}
    short_rsa = rsa.generate_private_key(65537, 1024).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    for weak in (short_hmac, short_rsa.decode()):
        with override_settings(DRF_RATCHET={"KEYS": weak}):
            (found,) = checks.check_keys()
        assert found.id == "ratchet.E009"
        assert "at least" in found.msg


def test_one_mistake_gives_one_message(tmp_path: Path) -> None:
    """A short secret of a service was told of as a bad value and as keys that cannot be used."""
    new_key(tmp_path / "keys", "Ed25519", time.time(), signs_from=0)
    keys = {"KEYS": tmp_path / "keys"}
    for given in (
        {"SERVICE_SECRETS": {"billing": "short"}},
        {"ALGORITHM": "HS256"},
        {"LEEWAY": 5},
        {"KEYS": "/nowhere"},
        {"KEYS": 7},
        {"KEY_PUBLISH_DELAY": timedelta(minutes=1)},
        {"KEY_PUBLISH_DELAY": timedelta(minutes=9)},
        {"ACCESS_TOKEN_LIFETIME": timedelta(days=7), "REFRESH_TOKEN_LIFETIME": timedelta(hours=1)},
        {"CLAIMS": "nowhere.at.all"},
        {"THROTTLE_CACHE": "nowhere"},
        {"USER": "claims", "VERIFIER": {"isuer": "https://blog.example"}},
    ):
        with override_settings(DRF_RATCHET={**keys, **given}):
            found = [message.id for name in checks.__all__ for message in getattr(checks, name)()]
        # Of the tests' own settings: no TLS, no shared cache, a key that can be guessed, and any
        # number of sessions.
        of_ours = {"ratchet.E006", "ratchet.I001", "ratchet.W006", "ratchet.W009"}
        found = [one for one in found if one not in of_ours]
        assert len(found) == 1, (given, found)


def test_keys_that_verifiers_may_not_know_yet(tmp_path: Path) -> None:
    """jose keeps a key set for ten minutes by default, whatever Cache-Control says."""
    for alg, expected in (("Ed25519", ["ratchet.W020"]), ("HS256", [])):
        new_key(tmp_path / alg, alg, time.time(), signs_from=0)
        given = {"KEYS": tmp_path / alg, "KEY_PUBLISH_DELAY": timedelta(minutes=9)}

        assert ids(checks.check_keys, DRF_RATCHET=given) == expected
        given["KEY_PUBLISH_DELAY"] = timedelta(minutes=10)
        assert ids(checks.check_keys, DRF_RATCHET=given) == []


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """A directory with one private key, in a place where nobody else writes."""
    (tmp_path / "place").mkdir(0o755)
    new_key(tmp_path / "place" / "keys", "ES256", time.time(), signs_from=0)
    return tmp_path / "place" / "keys"


def exposed(keys: Path | str) -> list[str | None]:
    return ids(checks.check_key_files, DRF_RATCHET={"KEYS": keys})


def test_key_files(keys: Path) -> None:
    (file,) = keys.glob("*.json")

    assert exposed(keys) == exposed(file) == exposed(str(keys)) == []
    file.chmod(0o640)
    assert exposed(keys) == []
    file.chmod(0o644)
    assert exposed(keys) == exposed(file) == ["ratchet.W016"]
    for writable in (0o620, 0o602):
        file.chmod(writable)
        assert exposed(keys) == exposed(file) == ["ratchet.W019"]


def test_a_public_key_may_be_read(keys: Path) -> None:
    (file,) = keys.glob("*.json")
    (key,) = read_file(file)
    file.write_text(json.dumps(key.public_jwk()))
    file.chmod(0o644)
    assert exposed(keys) == []
    file.chmod(0o646)
    assert exposed(keys) == ["ratchet.W019"]


@pytest.mark.parametrize("mode", [0o755, 0o775, 0o777, 0o1777, 0o701, 0o720])
def test_a_directory_that_is_open(keys: Path, mode: int) -> None:
    keys.chmod(mode)
    assert exposed(keys) == ["ratchet.W019"]
    keys.chmod(0o750)
    assert exposed(keys) == []


@pytest.mark.parametrize(
    ("mode", "expected"), [(0o755, []), (0o775, ["ratchet.W019"]), (0o1777, []), (0o1755, [])]
)
def test_the_directory_of_a_single_file(keys: Path, mode: int, expected: list[str]) -> None:
    (file,) = keys.glob("*.json")
    keys.chmod(mode)
    assert exposed(file) == expected


def test_what_a_link_leads_to(keys: Path, tmp_path: Path) -> None:
    """A mount of Kubernetes is made of links; what counts is where they lead."""
    (file,) = keys.glob("*.json")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(0o777)
    elsewhere.chmod(0o777)
    file.rename(elsewhere / file.name)
    file.symlink_to(elsewhere / file.name)

    assert exposed(keys) == exposed(file) == ["ratchet.W019"]
    elsewhere.chmod(0o700)
    assert exposed(keys) == exposed(file) == []
    (keys / "dangling.json").symlink_to(tmp_path / "nowhere")
    assert exposed(keys) == []


def test_a_key_of_another_user(keys: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root gives files away")
    (file,) = keys.glob("*.json")
    os.chown(file, 12345, 12345)
    assert exposed(keys) == exposed(file) == ["ratchet.W019"]
    # The command as root, and the server as the user that all of it belongs to.
    os.chown(keys, 12345, 12345)
    assert exposed(keys) == []


def test_the_doctor_tells_of_it_too(keys: Path) -> None:
    keys.chmod(0o777)
    with override_settings(DRF_RATCHET={"KEYS": keys}):
        (warning,) = (
            text for _, state, text in doctor.examine() if state == "warning" and "chmod" in text
        )
    assert warning.startswith(f"{keys} can be changed by other users of this machine. Run chmod")


# Cookies


@pytest.mark.parametrize(
    ("given", "expected"), [({}, []), ({"COOKIE_SECURE": False}, ["ratchet.W014"])]
)
def test_secure_cookies(given: Any, expected: list[str]) -> None:
    assert ids(checks.check_secure_cookies, DRF_RATCHET=given) == expected


CSRF = "django.middleware.csrf.CsrfViewMiddleware"


@pytest.mark.parametrize(
    ("middleware", "given", "expected"),
    [
        ([CSRF], {}, []),
        ([CSRF], {"ACCESS_TOKEN_COOKIE": True}, []),
        ([], {"ACCESS_TOKEN_COOKIE": True}, ["ratchet.W015"]),
    ],
)
def test_csrf_cookie(middleware: list[str], given: Any, expected: list[str]) -> None:
    assert ids(checks.check_csrf_cookie, DRF_RATCHET=given, MIDDLEWARE=middleware) == expected


# The browsable API

BROWSABLE = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "drf_ratchet.authentication.JWTAuthentication",
        "drf_ratchet.browser.authentication.BrowsableAPIAuthentication",
    ]
}
BEARER_ALONE = {"DEFAULT_AUTHENTICATION_CLASSES": ["drf_ratchet.authentication.JWTAuthentication"]}
REFRESHES = "drf_ratchet.browser.middleware.BrowsableAPIMiddleware"


@pytest.mark.parametrize(
    ("framework", "middleware", "expected"),
    [
        (BEARER_ALONE, [], []),
        (BROWSABLE, [CSRF, REFRESHES], []),
        (BROWSABLE, [CSRF], ["ratchet.W017"]),
    ],
)
def test_browsable_middleware(framework: Any, middleware: list[str], expected: list[str]) -> None:
    given = {"REST_FRAMEWORK": framework, "MIDDLEWARE": middleware}
    assert ids(checks.check_browsable_middleware, **given) == expected


def test_a_cookie_of_the_browsable_api_needs_the_csrf_middleware() -> None:
    for framework, expected in ((BROWSABLE, ["ratchet.W015"]), (BEARER_ALONE, [])):
        given = {"REST_FRAMEWORK": framework, "MIDDLEWARE": [], "DRF_RATCHET": {}}
        assert ids(checks.check_csrf_cookie, **given) == expected


class WithDjangosLogin:
    urlpatterns = [path("api-auth/", include("rest_framework.urls"))]


class WithNoLogin:
    urlpatterns: list[Any] = []


@pytest.mark.parametrize(
    ("framework", "urls", "expected"),
    [
        (BROWSABLE, "config.urls", []),
        (BROWSABLE, WithDjangosLogin, ["ratchet.W018"]),
        (BROWSABLE, WithNoLogin, ["ratchet.W018"]),
        (BEARER_ALONE, WithDjangosLogin, []),
    ],
)
def test_browsable_login(framework: Any, urls: Any, expected: list[str]) -> None:
    assert (
        ids(checks.check_browsable_login, REST_FRAMEWORK=framework, ROOT_URLCONF=urls) == expected
    )


# What the settings of the package say


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, []),
        ({"ACCESS_TOKEN_LIFETIME": timedelta(hours=1)}, []),
        ({"ACCESS_TOKEN_LIFETIME": timedelta(hours=1, seconds=1)}, ["ratchet.W001"]),
        ({"SESSION_LIFETIME": None}, ["ratchet.W002"]),
        ({"REFRESH_TOKEN_LIFETIME": timedelta(minutes=5)}, []),
        ({"REFRESH_TOKEN_LIFETIME": timedelta(minutes=4)}, ["ratchet.W003"]),
        ({"FRESHNESS": "bounded"}, []),
        ({"FRESHNESS": "expiry"}, ["ratchet.W004"]),
        # One slip does not hide another.
        ({"ISUER": 1, "LEEWAY": "x", "SESSION_LIFETIME": None}, ["ratchet.W002"]),
        ({"ACCESS_TOKEN_LIFETIME": "x", "FRESHNESS": "never"}, []),
        ([], []),
    ],
)
def test_choices(given: Any, expected: list[str]) -> None:
    assert ids(checks.check_choices, DRF_RATCHET=given) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, ["ratchet.I001"]),
        ({"MAX_SESSIONS_PER_USER": None}, ["ratchet.I001"]),
        ({"MAX_SESSIONS_PER_USER": 100}, []),
        ({"MAX_SESSIONS_PER_USER": "x"}, ["ratchet.I001"]),
        ({"USER": "claims"}, []),
    ],
)
def test_limit(given: Any, expected: list[str]) -> None:
    assert ids(checks.check_limit, DRF_RATCHET=given) == expected


# SECRET_KEY


@pytest.mark.parametrize(
    ("secret", "expected"),
    [
        (GOOD_SECRET, []),
        (GOOD_SECRET.encode(), []),
        (GOOD_SECRET[:32], []),
        (GOOD_SECRET[:31], ["ratchet.E005"]),
        ("", ["ratchet.E005"]),
        ("x" * 100, ["ratchet.E006"]),
        ("change-me-in-production-please-please", ["ratchet.E006"]),
        (f"django-insecure-{GOOD_SECRET}", ["ratchet.E007"]),
        ("django-insecure-short", ["ratchet.E007"]),
    ],
)
def test_secret_key(secret: str | bytes, expected: list[str]) -> None:
    assert ids(checks.check_secret_key, SECRET_KEY=secret) == expected


def test_a_fallback_still_verifies() -> None:
    found = ids(
        checks.check_secret_key, SECRET_KEY=GOOD_SECRET, SECRET_KEY_FALLBACKS=["short", "x" * 50]
    )
    assert found == ["ratchet.E005", "ratchet.E006"]
    # What makes no key is not weak either: "".split(",") has one empty text.
    assert ids(checks.check_secret_key, SECRET_KEY=GOOD_SECRET, SECRET_KEY_FALLBACKS=[""]) == []


@pytest.mark.parametrize(
    "secret",
    [
        "agkqzm" + "".join(Random(4).choices("agkqzm", k=100)),
        "abcdefgh" * 8,
        "abcd1234efgh5678" * 2,
        "0123456789abcdefghijklmnopqrstuvwxyz",
        "zyxwvutsrqponmlkjihgfedcba9876543210",
        "asdfghjklqwertyuiopzxcvbnm1234567890",
        "your-256-bit-secret-your-256-bit-secret",
        "This is my SUPER secret key for the production server!",
        "a key for the tests alone, 0123456789abcdefghijklmnop",
    ],
)
def test_guessable(secret: str) -> None:
    assert is_guessable(secret)


@pytest.mark.parametrize(
    "make",
    [
        lambda: secrets.token_hex(16),
        lambda: secrets.token_urlsafe(24),
        lambda: f"production-secret-key-{secrets.token_hex(16)}",
        get_random_secret_key,
    ],
)
def test_not_guessable(make: Callable[[], str]) -> None:
    assert not any(is_guessable(make()) for _ in range(200))


@pytest.mark.parametrize(
    ("elsewhere", "path"),
    [
        ({"EMAIL_HOST_PASSWORD": GOOD_SECRET}, "EMAIL_HOST_PASSWORD"),
        ({"SIMPLE_JWT": {"SIGNING_KEY": GOOD_SECRET.encode()}}, "SIMPLE_JWT['SIGNING_KEY']"),
        ({"JWT_AUTH": {"JWT_SECRET_KEY": GOOD_SECRET}}, "JWT_AUTH['JWT_SECRET_KEY']"),
        ({"BROKER_URL": f"amqp://blog:{GOOD_SECRET}@mq/"}, "BROKER_URL"),
        # A key may be a secret itself.
        ({"API_KEYS": {"hunter2!": [GOOD_SECRET]}}, "API_KEYS[…][…]"),
        ({"API_KEYS": {GOOD_SECRET: GOOD_SECRET}}, "API_KEYS[…]"),
    ],
)
def test_used_elsewhere(elsewhere: dict[str, Any], path: str) -> None:
    with override_settings(SECRET_KEY=GOOD_SECRET, **elsewhere):
        (found,) = checks.check_secret_key()

    assert found.id == "ratchet.W005"
    assert found.msg == f"SECRET_KEY is also used in other settings: {path}."


def test_a_name_that_is_the_secret() -> None:
    secret = "correctHorseBattery"
    with override_settings(SECRET_KEY=secret, API_KEYS={secret: secret}):
        _short, found = checks.check_secret_key()
    assert found.msg == "SECRET_KEY is also used in other settings: API_KEYS[…]."


def test_a_database_password(settings: Any) -> None:
    settings.SECRET_KEY = GOOD_SECRET
    settings.DATABASES["default"]["PASSWORD"], before = (
        GOOD_SECRET,
        settings.DATABASES["default"]["PASSWORD"],
    )
    try:
        (found,) = checks.check_secret_key()
    finally:
        settings.DATABASES["default"]["PASSWORD"] = before
    assert "DATABASES['default']['PASSWORD']" in found.msg


@pytest.mark.parametrize("elsewhere", [{"A": "http://[bad"}, {"B": {"x": [1, None, "y"]}}])
def test_not_used_elsewhere(elsewhere: dict[str, Any]) -> None:
    assert ids(checks.check_secret_key, SECRET_KEY=GOOD_SECRET, **elsewhere) == []


@pytest.mark.parametrize(
    "secret",
    ["hunter2", "hunter2-" * 6, "django-insecure-hunter2", f"django-insecure-{GOOD_SECRET}"],
)
def test_no_secret_is_shown(secret: str) -> None:
    with override_settings(SECRET_KEY=secret, EMAIL_HOST_PASSWORD=secret):
        said = repr([(m.msg, m.hint, m.obj) for m in checks.check_secret_key()])
    assert "hunter2" not in said
    assert GOOD_SECRET not in said


# Throttles


@pytest.mark.parametrize(
    ("rates", "expected"),
    [
        ({}, []),
        (None, []),
        ({"sign_in": "5/min", "refresh": None, "theirs": "rubbish"}, []),
        ({"sign_in": "0/day", "refresh": "5/10min"}, []),
        *(
            ({"sign_in": rate}, ["ratchet.E004"])
            for rate in ("", "20", "20/", "x/min", "20/fortnight", "-1/min", 20, ("20", "min"))
        ),
    ],
)
def test_rates(rates: Any, expected: list[str]) -> None:
    framework = {"DEFAULT_THROTTLE_RATES": rates}
    assert ids(checks.check_rates, REST_FRAMEWORK=framework) == expected


def test_rates_that_are_off() -> None:
    def found(rates: Any) -> list[CheckMessage]:
        with override_settings(REST_FRAMEWORK={"DEFAULT_THROTTLE_RATES": rates}):
            return checks.check_rates_are_on()

    assert found({}) == []
    (warning,) = found({"sign_in": None, "theirs": None})
    assert (warning.id, warning.msg) == ("ratchet.W007", "Throttles are switched off: sign_in.")
    (warning,) = found(dict.fromkeys(RATES))
    assert ", ".join(RATES) in warning.msg


def test_the_cache_is_not_there() -> None:
    assert ids(checks.check_rates, DRF_RATCHET={"THROTTLE_CACHE": "shared"}) == ["ratchet.E003"]
    assert ids(checks.check_cache, DRF_RATCHET={"THROTTLE_CACHE": "shared"}) == []


@pytest.mark.parametrize(
    ("cache", "expected"),
    [
        (REDIS, []),
        ({"BACKEND": "nowhere.at.All"}, []),
        ({"BACKEND": "django.core.cache.backends.memcached.PyMemcacheCache"}, []),
        ({"BACKEND": LOCMEM}, ["ratchet.W006"]),
        ({"BACKEND": "django.core.cache.backends.dummy.DummyCache"}, ["ratchet.E015"]),
        ({"BACKEND": "django.core.cache.backends.db.DatabaseCache"}, ["ratchet.E015"]),
        ({"BACKEND": "django.core.cache.backends.filebased.FileBasedCache"}, ["ratchet.E015"]),
    ],
)
def test_cache(cache: dict[str, str], expected: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    caches = {"default": {"BACKEND": LOCMEM}, "throttles": {"LOCATION": "x", **cache}}
    given = {"DRF_RATCHET": {"THROTTLE_CACHE": "throttles"}, "CACHES": caches}
    errors = [one for one in expected if one == "ratchet.E015"]
    warnings = [one for one in expected if one == "ratchet.W006"]
    for served in (False, True):
        # In Django's test environment there is one process, and under DEBUG.
        if served:
            monkeypatch.delattr(mail, "outbox")
        else:
            assert ids(checks.check_cache_counts, **given) == errors
            assert ids(checks.check_cache, **given) == warnings
        assert ids(checks.check_cache_counts, DEBUG=True, **given) == errors
        assert ids(checks.check_cache, DEBUG=True, **given) == warnings
    assert ids(checks.check_cache_counts, **given) == expected
    assert ids(checks.check_cache, **given) == []
    # Where nothing is limited, nothing has to be counted.
    off = {"DEFAULT_THROTTLE_RATES": dict.fromkeys(RATES)}
    assert ids(checks.check_cache_counts, REST_FRAMEWORK=off, **given) == []


@override_settings(CACHES={"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}})
def test_no_command_runs_with_a_cache_that_cannot_count() -> None:
    with pytest.raises(SystemCheckError, match=r"ratchet\.E015"):
        call_command("check")


class Theirs(UserRateThrottle):
    scope = "refresh"


class TheirsOfOurKind(SignInThrottle):
    scope = "sign_in"


@pytest.mark.parametrize(
    ("classes", "expected"),
    [
        ([], []),
        (["rest_framework.throttling.UserRateThrottle"], []),
        (["rest_framework.throttling.ScopedRateThrottle"], []),
        (["drf_ratchet.throttling.SignInThrottle"], []),
        ([f"{__name__}.TheirsOfOurKind"], []),
        ([f"{__name__}.Theirs"], ["ratchet.W023"]),
        (["nowhere.at.All"], []),
    ],
)
def test_a_throttle_of_theirs_in_a_scope_of_ours(classes: list[str], expected: list[str]) -> None:
    framework = {"DEFAULT_THROTTLE_CLASSES": classes, "DEFAULT_THROTTLE_RATES": {"refresh": "9/m"}}
    assert ids(checks.check_scopes, REST_FRAMEWORK=framework) == expected


# The network

HEADER = ("HTTP_X_FORWARDED_PROTO", "https")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, ["ratchet.W009"]),
        ({"SECURE_SSL_REDIRECT": True}, []),
        ({"SECURE_SSL_REDIRECT": True, "MIDDLEWARE": []}, ["ratchet.W009"]),
        ({"SECURE_PROXY_SSL_HEADER": HEADER}, []),
    ],
)
def test_https(given: dict[str, Any], expected: list[str]) -> None:
    assert ids(checks.check_https, **given) == expected


@pytest.mark.parametrize(
    "sign",
    [
        {"SECURE_PROXY_SSL_HEADER": HEADER},
        {"USE_X_FORWARDED_HOST": True},
        {"USE_X_FORWARDED_PORT": True},
    ],
)
def test_proxies(sign: dict[str, Any]) -> None:
    assert ids(checks.check_proxies, REST_FRAMEWORK={}, **sign) == ["ratchet.W010"]
    for number in (0, 1):
        assert ids(checks.check_proxies, REST_FRAMEWORK={"NUM_PROXIES": number}, **sign) == []


def test_no_proxies() -> None:
    assert ids(checks.check_proxies, REST_FRAMEWORK={}) == []


@pytest.mark.parametrize("number", ["1", "", -1, 1.5, [1]])
def test_invalid_number_of_proxies_is_reported(number: Any) -> None:
    given = {"REST_FRAMEWORK": {"NUM_PROXIES": number}}
    assert ids(checks.check_number_of_proxies, **given) == ["ratchet.E016"]


@pytest.mark.parametrize("number", [None, 0, 1, 2])
def test_a_number_of_proxies(number: int | None) -> None:
    given = {"REST_FRAMEWORK": {"NUM_PROXIES": number}}
    assert ids(checks.check_number_of_proxies, **given) == []


# Fitting in

SESSION = "rest_framework.authentication.SessionAuthentication"
BASIC = "rest_framework.authentication.BasicAuthentication"
OURS = "drf_ratchet.authentication.JWTAuthentication"


class Silent(BaseAuthentication):
    pass


class Own(JWTAuthentication):
    pass


@pytest.mark.parametrize(
    ("classes", "expected"),
    [
        ([], []),
        ([OURS], []),
        ([OURS, SESSION], []),
        ([SESSION], []),
        ([BASIC, OURS], []),
        ([f"{__name__}.Own", f"{__name__}.Silent"], []),
        (["nowhere.at.All", OURS], []),
        ([SESSION, OURS], ["ratchet.W008"]),
        ([SESSION, BASIC, OURS], ["ratchet.W008"]),
        ([f"{__name__}.Silent", f"{__name__}.Own"], ["ratchet.W008"]),
    ],
)
def test_authenticators(classes: list[Any], expected: list[str]) -> None:
    framework = {"DEFAULT_AUTHENTICATION_CLASSES": classes}
    assert ids(checks.check_authenticators, REST_FRAMEWORK=framework) == expected


@pytest.mark.parametrize(
    ("apps", "headers", "expected"),
    [
        ([], None, []),
        (["corsheaders"], None, ["ratchet.W011"]),
        (["corsheaders.apps.CorsHeadersAppConfig"], ("authorization",), ["ratchet.W011"]),
        (["corsheaders"], ("authorization", "Idempotency-Key"), []),
        (["corsheaders"], ["*"], []),
    ],
)
def test_cors(settings: Any, apps: list[str], headers: Any, expected: list[str]) -> None:
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS]
    given = {} if headers is None else {"CORS_ALLOW_HEADERS": headers}
    with override_settings(**given), pytest.MonkeyPatch.context() as patched:
        # Only the name: the package need not be there.
        patched.setattr("django.conf.settings.INSTALLED_APPS", [*settings.INSTALLED_APPS, *apps])
        assert [message.id for message in checks.check_cors()] == expected


# Claims


def good(user: Any, *, session: Any, request: Any) -> dict[str, Any]:
    def inner() -> dict[str, Any]:
        return {"password": 1}

    noise = {"secret": inner}
    return {"role": "author", "token_version": len(noise), "sub_name": 1}


def by_return(user: Any, **rest: Any) -> dict[str, Any]:
    if rest:
        return dict(exp=1)  # noqa: C408 (that is what is looked for)
    return {"role": "author", "apiKey": user, **rest}


def by_variable(user: Any, **rest: Any) -> dict[str, Any]:
    claims: dict[str, Any] = {"role": "author"}
    claims["sid"] = user
    claims["reset-token"] = user
    claims[user.name] = 1
    return claims


class Callable_:
    def __call__(self, user: Any, **rest: Any) -> dict[str, Any]:
        return {"password": 1}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, []),
        ({"CLAIMS": good}, []),
        ({"CLAIMS": "blog.claims.access_claims"}, []),
        ({"CLAIMS": "nowhere.at.all"}, []),
        ({"CLAIMS": lambda user, **rest: {"password": 1}}, []),  # not looked into
        ({"CLAIMS": Callable_()}, []),
        ({"CLAIMS": by_return}, ["ratchet.E008", "ratchet.W012"]),
        ({"CLAIMS": by_variable}, ["ratchet.E008", "ratchet.W012"]),
        ({"CLAIMS": good, "USER_ID_CLAIM": "role"}, ["ratchet.E008"]),
        ({"USER_ID_CLAIM": "user_token"}, ["ratchet.W012"]),
    ],
)
def test_claims(given: dict[str, Any], expected: list[str]) -> None:
    assert ids(checks.check_claims, DRF_RATCHET=given) == expected


def test_the_names_of_claims() -> None:
    assert claim_names(good) == {"role", "token_version", "sub_name"}
    assert claim_names(by_return) == {"exp", "role", "apiKey"}
    assert claim_names(by_variable) == {"role", "sid", "reset-token"}
    assert claim_names(len) == set()


@pytest.mark.parametrize("name", ["password", "passwordHash", "API-Key", "x_secret", "csrfToken"])
def test_looks_secret(name: str) -> None:
    assert looks_secret(name)


@pytest.mark.parametrize(
    "name", ["sub", "token_version", "password_changed_at", "has_otp_device", "shipping", "role"]
)
def test_looks_harmless(name: str) -> None:
    assert not looks_secret(name)


# All of them


def test_which_run_when() -> None:
    def names(deploy: bool) -> set[str]:
        found = registry.registry.get_checks(include_deployment_checks=deploy)
        ours = "drf_ratchet.checks."
        return {check.__name__ for check in found if check.__module__.startswith(ours)}

    always = set(checks.__all__) - {
        *("check_secret_key", "check_rates_are_on", "check_cache", "check_https", "check_proxies"),
        *("check_secure_cookies", "check_key_files", "check_limit"),
    }
    assert names(deploy=False) == always
    assert names(deploy=True) == set(checks.__all__)


def test_each_id_has_a_section_in_the_docs() -> None:
    modules = [
        *SOURCES.glob("*.py"),
        *ROOT.glob("src/*/*/checks.py"),
        *ROOT.glob("packages/*/src/*/*/checks.py"),
    ]
    source = "".join(path.read_text() for path in modules)
    ids = set(re.findall(r'id="(ratchet\w*\.\w+)"', source))
    documented = re.findall(r"^### (ratchet\w*\.\w+)", DOCS.read_text(), re.MULTILINE)

    assert len(ids) > 40  # the expression above finds them
    assert sorted(documented) == sorted(ids)
