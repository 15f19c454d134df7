"""The settings: their defaults, where they come from, and what is not taken for one."""

import re
from dataclasses import FrozenInstanceError, fields
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
import rest_framework_jwt.settings as drf_jwt
import rest_framework_simplejwt.settings as simplejwt
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from blog.claims import access_claims
from drf_ratchet.conf import RatchetSettings, bad_values, ratchet_settings, unknown_keys
from drf_ratchet.other_settings import INSTEAD
from drf_ratchet.serializers import TokenObtainPairSerializer
from drf_ratchet_compat.drf_jwt.demands import DEMANDS
from ratchet_tokens.claims import REGISTERED_CLAIMS

pytestmark = pytest.mark.any_database

#: As DESIGN.md and the settings' page of the docs have them.
DEFAULTS = {
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=5),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=7),
    "SESSION_LIFETIME": timedelta(days=30),
    "ROTATE_REFRESH_TOKENS": True,
    "ROTATION_GRACE": timedelta(seconds=10),
    "CATCH_UP_LIMIT": 10,
    "LEEWAY": timedelta(0),
    "AUTH_HEADER_TYPES": ("Bearer",),
    "USER_ID_FIELD": "pk",
    "USER_ID_CLAIM": "sub",
    "ISSUER": None,
    "AUDIENCE": None,
    "KEYS": None,
    "KEY_PUBLISH_DELAY": timedelta(minutes=15),
    "JWKS_MAX_AGE": timedelta(minutes=5),
    "CLIENT_ID": None,
    "CLAIMS": None,
    "SIGN_IN_SERIALIZER": None,
    "SIGN_IN_POLICY": None,
    "ACR_VALUES": {},
    "FRESHNESS": "immediate",
    "FEED_INTERVAL": timedelta(seconds=1),
    "FEED_MAX_AGE": timedelta(seconds=30),
    "FEED_MAX": 500_000,
    "THROTTLE_CACHE": "default",
    "THROTTLE_FAILS_OPEN": False,
    "COOKIE_SECURE": True,
    "COOKIE_NAME": "ratchet",
    "COOKIE_RETRY_WINDOW": timedelta(hours=1),
    "ACCESS_TOKEN_COOKIE": False,
    "MAX_SESSIONS_PER_USER": None,
    "USER_CHANGES_END_SESSIONS": True,
    "SERVICE_SECRETS": {},
    "SERVICES_THAT_SEE_ALL_TOKENS": (),
    "USER": "model",
    "VERIFIER": None,
    "STAFF_CLAIM": None,
    "SUPERUSER_CLAIM": None,
}

A_SECOND = timedelta(seconds=1)
LESS = timedelta(milliseconds=999)
NEGATIVE = timedelta(microseconds=-1)

GOOD: dict[str, list[Any]] = {
    "ACCESS_TOKEN_LIFETIME": [A_SECOND, timedelta(days=1)],
    "REFRESH_TOKEN_LIFETIME": [A_SECOND, timedelta(days=365)],
    "SESSION_LIFETIME": [A_SECOND, timedelta(days=365), None],
    "ROTATE_REFRESH_TOKENS": [True, False],
    "ROTATION_GRACE": [timedelta(0), timedelta(minutes=1)],
    "CATCH_UP_LIMIT": [0, 1, 1000],
    "LEEWAY": [timedelta(0), LESS],
    "AUTH_HEADER_TYPES": [("Bearer", "JWT"), ["Token"]],
    "USER_ID_FIELD": ["pk", "username", "id"],
    "USER_ID_CLAIM": ["sub", "user_id"],
    "ISSUER": ["https://blog.example", None],
    "AUDIENCE": ["blog", ["blog", "shop"], ("blog",), None],
    "CLAIMS": ["blog.claims.access_claims", access_claims, None],
    "SIGN_IN_SERIALIZER": [None, "shop.login.CodeSerializer", TokenObtainPairSerializer],
    "SIGN_IN_POLICY": [None, "shop.login.may_sign_in", access_claims],
    "SERVICES_THAT_SEE_ALL_TOKENS": [(), [], ["billing"], ("billing", "shop")],
    "KEYS": [None, "keys", Path("keys"), ["a.pem", Path("b.pem")], {"kty": "OKP"}],
    "KEY_PUBLISH_DELAY": [timedelta(0), timedelta(days=1)],
    "JWKS_MAX_AGE": [timedelta(0), timedelta(days=1)],
    "CLIENT_ID": [None, "blog"],
    "FRESHNESS": ["immediate", "bounded", "expiry"],
    "FEED_INTERVAL": [timedelta(0), A_SECOND],
    "FEED_MAX_AGE": [timedelta(0), A_SECOND],
    "FEED_MAX": [0, 1],
    "THROTTLE_CACHE": ["default", "shared"],
    "THROTTLE_FAILS_OPEN": [True, False],
    "COOKIE_SECURE": [True, False],
    "COOKIE_NAME": ["ratchet", "my-shop_2"],
    "COOKIE_RETRY_WINDOW": [timedelta(0), timedelta(days=7)],
    "ACCESS_TOKEN_COOKIE": [True, False],
    "USER_CHANGES_END_SESSIONS": [True, False],
    "ACR_VALUES": [{}, {"mfa": ["pwd", "otp"], "password": "pwd"}],
    "MAX_SESSIONS_PER_USER": [None, 1, 5],
    "SERVICE_SECRETS": [{}, {"billing": "x" * 32}, {"shop.example/2": "é" * 40}],
    "USER": ["model", "claims"],
    "VERIFIER": [None, {"issuer": "https://blog.example"}],
    "STAFF_CLAIM": [None, "is_staff"],
    "SUPERUSER_CLAIM": [None, "is_superuser"],
}

#: Values are marked, so that a message that shows one is found out.
SECRET = "hunter2"
BAD: dict[str, list[Any]] = {
    **{
        name: [timedelta(0), LESS, -A_SECOND, 300, 300.0, "5 minutes", SECRET, True]
        for name in ("ACCESS_TOKEN_LIFETIME", "REFRESH_TOKEN_LIFETIME", "SESSION_LIFETIME")
    },
    "ROTATE_REFRESH_TOKENS": [None, 1, 0, "True", SECRET],
    "ROTATION_GRACE": [NEGATIVE, None, 10, SECRET],
    "CATCH_UP_LIMIT": [-1, None, True, 1.0, "10", SECRET],
    "LEEWAY": [NEGATIVE, None, 0, SECRET],
    "AUTH_HEADER_TYPES": [
        *((), [], None, "Bearer", SECRET, {SECRET}),
        *([""], [" "], ["a b"], ["B\xe4rer"], [None], [1], [SECRET, b"JWT"]),
    ],
    "USER_ID_FIELD": ["", None, 1, [SECRET]],
    "USER_ID_CLAIM": ["", None, 1, [SECRET]],
    "ISSUER": ["", 1, [SECRET], True],
    "AUDIENCE": ["", (), [], [""], [None], {SECRET}, 1, {SECRET: 1}, True],
    "KEYS": ["", (), [], 1, True, [""], [None], [1], {SECRET}],
    "KEY_PUBLISH_DELAY": [NEGATIVE, None, 10, SECRET],
    "JWKS_MAX_AGE": [NEGATIVE, None, 10, SECRET],
    "CLIENT_ID": ["", 1, [SECRET], True],
    "CLAIMS": ["", 1, {SECRET: 1}, [access_claims], True],
    "SIGN_IN_SERIALIZER": ["", 1, [SECRET], True, access_claims],
    "SIGN_IN_POLICY": ["", 1, {SECRET: 1}, [access_claims], True],
    "SERVICES_THAT_SEE_ALL_TOKENS": [None, SECRET, {SECRET}, [""], [1], True],
    "FRESHNESS": ["", None, "now", "IMMEDIATE", SECRET, [SECRET], 0],
    "FEED_INTERVAL": [NEGATIVE, None, 10, SECRET],
    "FEED_MAX_AGE": [NEGATIVE, None, 10, SECRET],
    "FEED_MAX": [-1, None, True, 1.0, SECRET],
    "THROTTLE_CACHE": ["", None, 1],
    "THROTTLE_FAILS_OPEN": [None, 1, 0, SECRET],
    "COOKIE_SECURE": [None, 1, 0, "False", SECRET],
    "COOKIE_NAME": ["", None, 1, "a b", "a;b", "a=b", "k\xfcche", "__Host-\n"],
    "COOKIE_RETRY_WINDOW": [NEGATIVE, None, 3600, SECRET],
    "ACCESS_TOKEN_COOKIE": [None, 1, 0, SECRET],
    "USER_CHANGES_END_SESSIONS": [None, 1, 0, SECRET],
    "ACR_VALUES": [None, SECRET, [], {"": "pwd"}, {"mfa": []}, {1: "pwd"}],
    "MAX_SESSIONS_PER_USER": [0, -1, True, 1.0, SECRET],
    "SERVICE_SECRETS": [
        *(None, [], SECRET, [("billing", SECRET * 5)], {"billing": None}, {"billing": b"x" * 32}),
        *({"billing": SECRET}, {"billing": "x" * 31}, {"billing": "x" * 32, "shop": SECRET}),
        *({name: SECRET * 5} for name in ("", "a b", "a:b", "a\n", "é", None, 7)),
    ],
    "USER": ["", None, "Claims", SECRET, [SECRET], 0],
    "VERIFIER": [{}, [], SECRET, {7: SECRET}, {"": SECRET}, True],
    "STAFF_CLAIM": ["", 1, True, [SECRET]],
    "SUPERUSER_CLAIM": ["", 1, True, [SECRET]],
}

EACH_GOOD = pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in GOOD.items() for value in values]
)
EACH_BAD = pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in BAD.items() for value in values]
)


class TestDefaults:
    @override_settings(DRF_RATCHET={})
    def test_they_are_the_documented_ones(self) -> None:
        read = ratchet_settings()

        assert {field.name: getattr(read, field.name) for field in fields(read)} == DEFAULTS

    @override_settings(DRF_RATCHET={"LEEWAY": A_SECOND})
    def test_without_the_setting(self) -> None:
        del settings.DRF_RATCHET

        assert ratchet_settings() == RatchetSettings()

    def test_every_setting_is_tried_here(self) -> None:
        assert GOOD.keys() == BAD.keys() == DEFAULTS.keys()

    def test_settings_are_frozen(self) -> None:
        with pytest.raises(FrozenInstanceError):
            ratchet_settings().LEEWAY = timedelta(1)  # type: ignore[misc]


class TestFollow:
    def test_override_settings(self) -> None:
        before = ratchet_settings()
        with override_settings(DRF_RATCHET={"LEEWAY": timedelta(seconds=3)}):
            assert timedelta(seconds=3) == ratchet_settings().LEEWAY
            with override_settings(DRF_RATCHET={"LEEWAY": timedelta(seconds=4)}):
                assert timedelta(seconds=4) == ratchet_settings().LEEWAY
            assert timedelta(seconds=3) == ratchet_settings().LEEWAY
        assert ratchet_settings() == before

    def test_valid_settings_work_after_invalid_ones(self) -> None:
        with override_settings(DRF_RATCHET={"LEEWAY": 3}), pytest.raises(ImproperlyConfigured):
            ratchet_settings()

        assert timedelta(0) == ratchet_settings().LEEWAY

    @override_settings(DRF_RATCHET={"LEEWAY": timedelta(seconds=3)})
    def test_what_is_not_named_keeps_its_default(self) -> None:
        assert ratchet_settings() == RatchetSettings(LEEWAY=timedelta(seconds=3))

    def test_they_are_read_once(self) -> None:
        assert ratchet_settings() is ratchet_settings()


class TestValues:
    @EACH_GOOD
    def test_good(self, name: str, value: Any) -> None:
        with override_settings(DRF_RATCHET={name: value}):
            assert getattr(ratchet_settings(), name) == value

    @EACH_BAD
    def test_bad(self, name: str, value: Any) -> None:
        with (
            override_settings(DRF_RATCHET={name: value}),
            pytest.raises(ImproperlyConfigured) as refused,
        ):
            ratchet_settings()

        assert f"DRF_RATCHET['{name}'] must be " in str(refused.value)
        assert SECRET not in str(refused.value)

    @EACH_BAD
    def test_the_hint_is_the_default(self, name: str, value: Any) -> None:
        ((_, hint),) = bad_values({name: value})

        assert hint == f"The default is {DEFAULTS[name]!r}."

    def test_all_that_is_wrong_is_said_at_once(self) -> None:
        given = {"LEEWAY": 3, "ISUER": "us", "CATCH_UP_LIMIT": -1}

        with override_settings(DRF_RATCHET=given), pytest.raises(ImproperlyConfigured) as refused:
            ratchet_settings()

        for name in given:
            assert repr(name) in str(refused.value)

    @pytest.mark.parametrize(
        "given",
        [
            *(None, [], "LEEWAY", 1, [("LEEWAY", timedelta(0))]),
            # Django's error page hides secrets in dicts alone.
            MappingProxyType({"KEYS": SECRET}),
        ],
    )
    def test_no_dict_at_all(self, given: object) -> None:
        with (
            override_settings(DRF_RATCHET=given),
            pytest.raises(ImproperlyConfigured, match="DRF_RATCHET is not a dict"),
        ):
            ratchet_settings()

    @pytest.mark.parametrize("name", sorted(REGISTERED_CLAIMS - {"sub"}))
    def test_a_registered_claim_is_no_name_for_the_user_id(self, name: str) -> None:
        """`aud` or `nbf` would make every token one that is refused, `exp` changes nothing."""
        with (
            override_settings(DRF_RATCHET={"USER_ID_CLAIM": name}),
            pytest.raises(ImproperlyConfigured, match="USER_ID_CLAIM"),
        ):
            ratchet_settings()


@override_settings(DRF_RATCHET={"AUTH_HEADER_TYPES": ["Bearer "]})
def test_a_word_with_a_space_after_it() -> None:
    with pytest.raises(ImproperlyConfigured):
        ratchet_settings()


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("ACCESS_TOKEN_LIFETIMES", "ACCESS_TOKEN_LIFETIME"),
        ("ACESS_TOKEN_LIFETIME", "ACCESS_TOKEN_LIFETIME"),
        ("access_token_lifetime", "ACCESS_TOKEN_LIFETIME"),
        ("ROTATE_REFRESH_TOKEN", "ROTATE_REFRESH_TOKENS"),
        ("ISUER", "ISSUER"),
        ("Audience", "AUDIENCE"),
        ("CLAIM", "CLAIMS"),
    ],
)
def test_an_unknown_key_names_the_nearest(name: str, nearest: str) -> None:
    given = {name: SECRET}

    assert list(unknown_keys(given)) == [
        (f"DRF_RATCHET has no setting {name!r}.", f"Did you mean {nearest!r}?")
    ]
    with override_settings(DRF_RATCHET=given), pytest.raises(ImproperlyConfigured) as refused:
        ratchet_settings()
    assert nearest in str(refused.value)
    assert SECRET not in str(refused.value)


class TestOtherPackages:
    """Whoever moves here copies the old dict, and is told what to write instead."""

    NAMES = {
        "simplejwt": {*simplejwt.DEFAULTS, *simplejwt.REMOVED_SETTINGS},
        "drf-jwt": set(drf_jwt.DEFAULTS) | set(DEMANDS),
    }

    @pytest.mark.parametrize("package", NAMES)
    def test_each_of_its_settings_is_answered(self, package: str) -> None:
        strange = sorted(self.NAMES[package] - DEFAULTS.keys())
        assert strange

        for name in strange:
            ((problem, hint),) = unknown_keys({name: SECRET})
            assert problem == f"DRF_RATCHET has no setting {name!r}."
            assert "It is a setting of" in hint, name
            assert package in hint

    @pytest.mark.parametrize("name", INSTEAD)
    def test_the_answer_names_what_there_is(self, name: str) -> None:
        """No hint names a setting that does not exist."""
        words = set(re.findall(r"\b[A-Z]+(?:_[A-Z]+)*_[A-Z]+\b|\bKEYS\b|\bCLAIMS\b", INSTEAD[name]))
        of_others = {"SECRET_KEY", "SIMPLE_JWT", "JWT_AUTH", "REST_FRAMEWORK"}
        of_others |= {"AUTHENTICATION_BACKENDS", "DATETIME_FORMAT"}

        assert words - of_others <= DEFAULTS.keys()
        assert name not in DEFAULTS

    @pytest.mark.parametrize(
        ("name", "instead"),
        [
            ("ALGORITHM", "Use KEYS"),
            ("SIGNING_KEY", "Use KEYS"),
            ("BLACKLIST_AFTER_ROTATION", "is never accepted again"),
            ("SLIDING_TOKEN_LIFETIME", "there are no sliding tokens"),
            ("TOKEN_TTL", "Use REFRESH_TOKEN_LIFETIME"),
            ("JWT_EXPIRATION_DELTA", "Use ACCESS_TOKEN_LIFETIME"),
            ("HEADLESS_JWT_PRIVATE_KEY", "Use KEYS"),
        ],
    )
    def test_what_to_use(self, name: str, instead: str) -> None:
        with (
            override_settings(DRF_RATCHET={name: SECRET}),
            pytest.raises(ImproperlyConfigured, match=instead) as refused,
        ):
            ratchet_settings()
        assert SECRET not in str(refused.value)


@pytest.mark.parametrize("name", [f"{SECRET} in the wrong place", SECRET * 10, f"-{SECRET}"])
def test_what_looks_like_no_name_is_not_shown(name: str) -> None:
    ((problem, hint),) = unknown_keys({name: 1})

    assert problem == "DRF_RATCHET has no setting of that name."
    assert SECRET not in hint


@pytest.mark.parametrize("name", ["XYZ", "", 7, None])
def test_unknown_key_without_a_similar_one_lists_all(name: object) -> None:
    ((problem, hint),) = unknown_keys({name: SECRET})

    assert repr(name) in problem
    for known in DEFAULTS:
        assert known in hint


class TestDerived:
    @pytest.mark.parametrize(
        ("keys", "places"),
        [
            (None, ()),
            ("keys", ("DRF_RATCHET['KEYS']",)),
            ({"kty": "oct"}, ("DRF_RATCHET['KEYS']",)),
            (["a"], ("DRF_RATCHET['KEYS'][0]",)),
            (["a", "b"], ("DRF_RATCHET['KEYS'][0]", "DRF_RATCHET['KEYS'][1]")),
        ],
    )
    def test_what_messages_call_the_keys(self, keys: Any, places: tuple[str, ...]) -> None:
        assert RatchetSettings(KEYS=keys).key_places == places

    def test_their_repr_shows_no_value(self) -> None:
        assert repr(RatchetSettings(CLIENT_ID=SECRET, KEYS=SECRET)) == "<RatchetSettings>"

    @pytest.mark.parametrize(
        ("audience", "audiences"),
        [(None, ()), ("blog", ("blog",)), (["a", "b"], ("a", "b")), (("a",), ("a",))],
    )
    def test_audiences(self, audience: Any, audiences: tuple[str, ...]) -> None:
        assert RatchetSettings(AUDIENCE=audience).audiences == audiences

    @pytest.mark.parametrize("claims", ["blog.claims.access_claims", access_claims])
    def test_claims(self, claims: Any) -> None:
        assert RatchetSettings(CLAIMS=claims).claims is access_claims

    def test_no_claims(self) -> None:
        assert RatchetSettings().claims is None


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("blog.claims.nobody", "cannot be imported"),
        ("blog.nowhere.access_claims", "cannot be imported"),
        ("nowhere.at.all", "cannot be imported"),
        ("access_claims", "cannot be imported"),
        ("blog.", "cannot be imported"),
        ("blog claims", "cannot be imported"),
        ("blog.claims.__doc__", "is not callable"),
        (".access_claims", "cannot be imported"),
        ("..claims.access_claims", "cannot be imported"),
        (".claims.access_claims", "cannot be imported"),
    ],
)
def test_a_path_to_no_claims(path: str, problem: str) -> None:
    with (
        override_settings(DRF_RATCHET={"CLAIMS": path}),
        pytest.raises(ImproperlyConfigured) as refused,
    ):
        ratchet_settings()

    assert f"DRF_RATCHET['CLAIMS'] {problem}" in str(refused.value)
    assert "Write 'app.module.function'." in str(refused.value)
