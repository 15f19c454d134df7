"""Every key of JWT_AUTH: honoured, or refused with a sentence."""

import importlib
import inspect
import re
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from django.contrib.auth.models import User
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.test import RequestFactory
from django.views.debug import ExceptionReporter
from rest_framework.test import APIClient

from compat_tests.drf_jwt.calls import forge
from compat_tests.drf_jwt.names import NEWER, OLDER, SETTINGS, kinds
from drf_ratchet.conf import ratchet_settings
from drf_ratchet.keyring import keyring
from drf_ratchet_compat.drf_jwt.demands import DEMANDS
from drf_ratchet_compat.drf_jwt.key_material import as_text
from drf_ratchet_compat.drf_jwt.settings import DEFAULTS, api_settings
from tests.fixtures import PASSWORD, payload

pytestmark = pytest.mark.any_database

OURS = "drf_ratchet_compat.drf_jwt"
SECRET = "a secret that is long enough for HS256"


@pytest.fixture
def sign_in(api: APIClient, alice: User) -> Any:
    def sign_in() -> Any:
        return api.post("/api-token-auth/", {"username": "alice", "password": PASSWORD})

    return sign_in


def older_payload(user: User) -> dict[str, Any]:
    from datetime import UTC, datetime

    # Naive and in UTC, as 1.11's own.
    exp = datetime.fromtimestamp(time.time() + 3600, UTC).replace(tzinfo=None)
    return {
        "username": user.username,
        "role": "reader",
        "number": uuid4(),
        "sub": "mine",
        "exp": exp,
    }


def with_user(token: str, user: Any = None, request: Any = None) -> dict[str, Any]:
    return {"token": token, "user": user.username, "path": request.path}


def name_in_email(said: Any) -> Any:
    return said.get("email", "").partition("@")[0]


def email_payload(user: User) -> dict[str, Any]:
    return {"email": f"{user.username}@example.com"}


def test_each_key_has_a_default_and_a_demand() -> None:
    assert DEFAULTS.keys() == DEMANDS.keys()
    assert {name for name in SETTINGS if name not in DEFAULTS} == set()
    for name in DEFAULTS:
        getattr(api_settings, name)


class TestHonoured:
    def test_payload_handler(self, sign_in: Any, settings: Any, alice: User, api: Any) -> None:
        settings.JWT_AUTH = {"JWT_PAYLOAD_HANDLER": f"{__name__}.older_payload"}
        token = sign_in().json()["token"]
        said = payload(token)
        assert said["role"] == "reader"
        assert isinstance(said["number"], str)
        assert said["sub"] == str(alice.pk)  # ours
        assert 3598 <= said["exp"] - said["iat"] <= 3600
        assert api.get("/whoami/", HTTP_AUTHORIZATION=f"JWT {token}").status_code == 200

    @pytest.mark.parametrize("handler", [lambda user: {"exp": "x"}, lambda user: {"x": object}])
    def test_payload_handler_that_makes_no_token(
        self, sign_in: Any, settings: Any, handler: Any
    ) -> None:
        from drf_ratchet.models import Session

        settings.JWT_AUTH = {"JWT_PAYLOAD_HANDLER": handler}
        with pytest.raises(ImproperlyConfigured):
            sign_in()
        assert not Session.objects.exists()

    def test_response_payload_handler(self, sign_in: Any, settings: Any) -> None:
        settings.JWT_AUTH = {
            "JWT_GENERATION": "1.11",
            "JWT_RESPONSE_PAYLOAD_HANDLER": f"{__name__}.with_user",
        }
        body = sign_in().json()
        assert (body["user"], body["path"]) == ("alice", "/api-token-auth/")

    def test_get_username_handler(self, settings: Any, alice: User) -> None:
        from drf_ratchet_compat.drf_jwt.utils import jwt_encode_handler

        settings.JWT_AUTH = {
            "JWT_PAYLOAD_HANDLER": email_payload,
            "JWT_PAYLOAD_GET_USERNAME_HANDLER": f"{__name__}.name_in_email",
        }
        assert payload(jwt_encode_handler(email_payload(alice)))["sub"] == str(alice.pk)

    @pytest.mark.parametrize(("choice", "there"), [("off", False), ("include", True)])
    def test_token_id(
        self, sign_in: Any, settings: Any, api: Any, choice: str, there: bool
    ) -> None:
        settings.JWT_AUTH = {"JWT_TOKEN_ID": choice, "JWT_PAYLOAD_INCLUDE_USER_ID": there}
        token = sign_in().json()["token"]
        assert ("jti" in payload(token)) == there
        assert ("user_id" in payload(token)) == there
        new = api.post("/api-token-refresh/", {"token": token}).json()["token"]
        assert ("orig_jti" in payload(new)) == there

    def test_lifetimes(self, sign_in: Any, settings: Any) -> None:
        before = ratchet_settings()
        settings.JWT_AUTH = {
            "JWT_EXPIRATION_DELTA": timedelta(days=36500),
            "JWT_REFRESH_EXPIRATION_DELTA": 60,
            "JWT_LEEWAY": timedelta(seconds=3),
        }
        said = payload(sign_in().json()["token"])
        assert said["exp"] - said["iat"] == 36500 * 86400
        # Other endpoints go on as they were, and know for how long tokens are accepted.
        assert ratchet_settings() == replace(before, LEEWAY=timedelta(seconds=3))

    def test_leeway(self, sign_in: Any, settings: Any, api: Any) -> None:
        settings.JWT_AUTH = {"JWT_LEEWAY": 30}
        assert ratchet_settings().LEEWAY == timedelta(seconds=30)
        past = int(time.time()) - 20
        late = forge(sign_in().json()["token"], iat=past - 9, orig_iat=past - 9, exp=past)
        header = {"HTTP_AUTHORIZATION": f"Bearer {late}"}
        assert api.get("/whoami/", **header).status_code == 200
        # What the rest goes by is what counts.
        settings.DRF_RATCHET = {"LEEWAY": timedelta(0)}
        assert api.get("/whoami/", **header).status_code == 401

    def test_prefix(self, sign_in: Any, settings: Any, api: Any) -> None:
        settings.JWT_AUTH = {"JWT_AUTH_HEADER_PREFIX": "Token"}
        token = sign_in().json()["token"]
        for word in ("Token", "token", "JWT", "Bearer"):
            assert api.get("/whoami/", HTTP_AUTHORIZATION=f"{word} {token}").status_code == 200
        assert api.get("/whoami/")["WWW-Authenticate"] == 'Token realm="api"'

    def test_issuer_and_audience(self, sign_in: Any, settings: Any) -> None:
        settings.JWT_AUTH = {"JWT_ISSUER": "us", "JWT_AUDIENCE": ["here", "there"]}
        said = payload(sign_in().json()["token"])
        assert (said["iss"], said["aud"]) == ("us", ["here", "there"])

    @pytest.mark.parametrize(
        ("alg", "key"),
        [
            ("HS256", SECRET),
            ("HS512", SECRET * 2),
            ("RS256", rsa.generate_private_key(65537, 2048)),
            ("ES256", ec.generate_private_key(ec.SECP256R1())),
            ("EdDSA", ed25519.Ed25519PrivateKey.generate()),
        ],
    )
    def test_a_key_of_its_own_signs(
        self, sign_in: Any, settings: Any, api: Any, alg: str, key: Any
    ) -> None:
        name = "JWT_SECRET_KEY" if alg.startswith("HS") else "JWT_PRIVATE_KEY"
        settings.JWT_AUTH = {name: key, "JWT_ALGORITHM": [alg]}
        token = sign_in().json()["token"]
        signing = keyring().access.signing
        assert signing.alg == alg
        assert api.get("/whoami/", HTTP_AUTHORIZATION=f"JWT {token}").status_code == 200
        text = as_text(key)
        assert str(text) not in repr(ratchet_settings()) + repr(api_settings)
        assert run_checks(tags=["security"]) == []

    def test_keys_that_rotate(self, sign_in: Any, settings: Any, api: Any) -> None:
        settings.JWT_AUTH = {"JWT_SECRET_KEY": {"k1": SECRET}}
        token = sign_in().json()["token"]
        settings.JWT_AUTH = {"JWT_SECRET_KEY": {"k2": SECRET[::-1], "k1": SECRET}}
        assert keyring().access.signing.kid == "k2"
        assert api.get("/whoami/", HTTP_AUTHORIZATION=f"JWT {token}").status_code == 200

    @pytest.mark.parametrize("key", ["short", {"k": "short"}])
    def test_a_key_that_is_too_short_does_not(self, sign_in: Any, settings: Any, key: Any) -> None:
        before = keyring().access.signing.kid
        settings.JWT_AUTH = {"JWT_SECRET_KEY": key}
        assert sign_in().status_code == 201
        assert keyring().access.signing.kid == before
        assert [found.id for found in run_checks()] == ["ratchet_drf_jwt.W002"]

    def test_secret_key_itself_does_not(self, settings: Any) -> None:
        settings.JWT_AUTH = {"JWT_SECRET_KEY": settings.SECRET_KEY}
        assert ratchet_settings().KEYS is None
        assert run_checks(tags=["security"]) == []

    def test_what_drf_ratchet_says_itself_comes_first(self, settings: Any) -> None:
        settings.DRF_RATCHET = {"ISSUER": "ours"}
        settings.JWT_AUTH = {"JWT_ISSUER": "theirs"}
        assert ratchet_settings().ISSUER == "ours"
        assert [found.id for found in run_checks()] == ["ratchet_drf_jwt.W004"]

    def test_stale_rows(self, sign_in: Any, settings: Any, api: Any) -> None:
        settings.JWT_AUTH = {"JWT_DELETE_STALE_BLACKLISTED_TOKENS": True, "JWT_TOKEN_ID": "require"}
        header = {"HTTP_AUTHORIZATION": f"JWT {sign_in().json()['token']}"}
        answer = api.post("/blacklist/", {}, **header)
        assert (answer.status_code, answer.json()) == (201, {"token": None})


REFUSED: dict[str, list[Any]] = {
    "JWT_VERIFY": [False, None],
    "JWT_VERIFY_EXPIRATION": [False],
    "JWT_ENCODE_HANDLER": ["project.encode", payload],
    "JWT_DECODE_HANDLER": ["rest_framework_jwt.utils.jwt_decode_handler", lambda token: {}],
    "JWT_ALGORITHM": ["none", "ES256K", [], ["HS256", "none"]],
    "JWT_SECRET_KEY": ["", [], 5, {"": "x"}],
    "JWT_PRIVATE_KEY": [5],
    "JWT_PUBLIC_KEY": [5],
    "JWT_TOKEN_ID": ["on", None],
    "JWT_EXPIRATION_DELTA": [300, timedelta(0), timedelta(days=99999)],
    "JWT_REFRESH_EXPIRATION_DELTA": ["x", timedelta(-1), True],
    "JWT_LEEWAY": ["x", -1],
    "JWT_AUTH_HEADER_PREFIX": ["", "two words", None],
    "JWT_AUTH_TOKEN_CLASSES": [("x.Y",), (), None],
    "JWT_GENERATION": ["1.12", []],
    "JWT_LEGACY_KEYS": ["a", [5]],
    "JWT_GET_USER_SECRET_KEY": [5],
    "JWT_PAYLOAD_HANDLER": [None],
    "JWT_AUTH_COOKIE_SAMESITE": ["Loose"],
    "JWT_AUTH_COOKIE_SECURE": ["yes"],
    "JWT_ISSUER": [5],
    "JWT_AUDIENCE": [[], 5],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in REFUSED.items() for value in values]
)
def test_refused_with_a_sentence(settings: Any, name: str, value: Any) -> None:
    settings.JWT_AUTH = {name: value}
    with pytest.raises(ImproperlyConfigured, match=re.escape(f"JWT_AUTH['{name}'] must be")):
        _ = api_settings.JWT_EXPIRATION_DELTA
    assert [found.id for found in run_checks()] == ["ratchet_drf_jwt.E001"]


@pytest.mark.parametrize(
    ("given", "id"),
    [
        ({"JWT_ALOW_REFRESH": True}, "W001"),
        ({"JWT_PAYLOAD_HANDLER": "no.such.thing"}, "E002"),
        ({"JWT_RESPONSE_PAYLOAD_HANDLER": with_user}, "E003"),
        ({"JWT_AUTH_COOKIE": "jwt"}, "W005"),
        ({"JWT_IMPERSONATION_COOKIE": "imp"}, "W005"),
    ],
)
def test_verified_cache(settings: Any, given: Any, id: str) -> None:
    settings.JWT_AUTH = given
    assert [found.id for found in run_checks()] == [f"ratchet_drf_jwt.{id}"]


@pytest.mark.parametrize("name", ["jwt", "jwt_token", "AUTH", "session"])
def test_the_check_agrees_with_djangos_reports(settings: Any, name: str) -> None:
    request = RequestFactory().get("/", headers={"cookie": f"{name}=a.very.secret"})
    report = ExceptionReporter(request, ValueError, ValueError(), None)
    settings.JWT_AUTH = {"JWT_AUTH_COOKIE": name}
    shown = "a.very.secret" in report.get_traceback_text()
    assert shown == bool(run_checks())


def test_each_check_has_a_section() -> None:
    root = Path(__file__).resolve().parents[5]
    source = (
        root / "packages/drf-ratchet-compat/src/drf_ratchet_compat/drf_jwt/checks.py"
    ).read_text()
    docs = (root / "docs/checks.md").read_text()
    for id in set(re.findall(r"ratchet_drf_jwt\.[EW]\d{3}", source)):
        assert f"### {id}:" in docs


class TestNames:
    """docs/migrating.md: every public name, and whether it is the same here."""

    def test_every_public_name_is_in_the_table(self) -> None:
        table = kinds()
        real = {name for module, names in NEWER().items() for name in names_of(module, names)}
        older = {name for module, names in OLDER.items() for name in names_of(module, names)}
        assert len(real) > 40
        assert (real | older | set(SETTINGS)) - table.keys() == set()

    def test_the_same_is_at_the_same_path(self) -> None:
        for name, kind in kinds().items():
            if kind == "not there" or name.startswith("JWT_"):
                continue
            module, _, attribute = name.rpartition(".")
            found = importlib.import_module(f"{OURS}.{module}" if module else OURS)
            assert hasattr(found, attribute), name
            if kind == "same" and attribute[0].isupper() and not attribute.isupper():
                assert inspect.isclass(getattr(found, attribute)), name


def names_of(module: str, names: set[str]) -> set[str]:
    return {f"{module}.{name}".lstrip(".") for name in names}
