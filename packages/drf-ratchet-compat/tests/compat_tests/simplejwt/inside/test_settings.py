"""Every key of SIMPLE_JWT: honoured, or refused with a sentence."""

from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from rest_framework.test import APIClient

from drf_ratchet.conf import ratchet_settings
from drf_ratchet.models import Session
from drf_ratchet_compat.simplejwt import checks, underneath
from drf_ratchet_compat.simplejwt.authentication import JWTStatelessUserAuthentication
from drf_ratchet_compat.simplejwt.exceptions import TokenError
from drf_ratchet_compat.simplejwt.models import TokenUser
from drf_ratchet_compat.simplejwt.settings import DEFAULTS, REMOVED_SETTINGS
from drf_ratchet_compat.simplejwt.tokens import AccessToken, RefreshToken, SlidingToken
from tests.fixtures import PASSWORD, payload

LONG = "a secret, long enough: 0123456789abcdefghijklmnop"


@pytest.fixture
def simple_jwt(settings: Any) -> Any:
    def write(**chosen: Any) -> None:
        settings.SIMPLE_JWT = {**settings.SIMPLE_JWT, **chosen}

    return write


@pytest.fixture(scope="module")
def pem() -> tuple[str, str]:
    key = rsa.generate_private_key(65537, 2048)
    return (
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode(),
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode(),
    )


def sign_in(api: APIClient) -> Any:
    return api.post("/token/", {"username": "alice", "password": PASSWORD})


def call(api: APIClient, header: str, name: str = "HTTP_AUTHORIZATION") -> Any:
    return api.get("/protected/", **{name: header})


def test_what_they_come_to(simple_jwt: Any) -> None:
    simple_jwt(
        ACCESS_TOKEN_LIFETIME=timedelta(minutes=3), LEEWAY=7, ISSUER="me", AUDIENCE=["a", "b"]
    )
    chosen = ratchet_settings()
    assert (chosen.ACCESS_TOKEN_LIFETIME,) == (timedelta(minutes=3),)
    assert (chosen.LEEWAY, chosen.ISSUER, chosen.audiences) == (
        timedelta(seconds=7),
        "me",
        ("a", "b"),
    )
    assert (chosen.ROTATE_REFRESH_TOKENS, chosen.SESSION_LIFETIME) == (True, None)
    simple_jwt(BLACKLIST_AFTER_ROTATION=False, LEEWAY=timedelta(seconds=2))
    chosen = ratchet_settings()
    assert (chosen.ROTATE_REFRESH_TOKENS, chosen.LEEWAY) == (False, timedelta(seconds=2))


def test_our_own_setting_counts_more(settings: Any, simple_jwt: Any) -> None:
    settings.DRF_RATCHET = {"SESSION_LIFETIME": timedelta(days=9), "LEEWAY": timedelta(seconds=1)}
    simple_jwt(LEEWAY=7)
    chosen = ratchet_settings()
    assert (chosen.SESSION_LIFETIME, chosen.LEEWAY) == (timedelta(days=9), timedelta(seconds=1))


def test_the_names_of_the_issuer_and_the_audience(
    api: APIClient, alice: User, simple_jwt: Any
) -> None:
    simple_jwt(ISSUER="me", AUDIENCE="api")
    tokens = sign_in(api).json()
    assert (payload(tokens["access"])["iss"], payload(tokens["access"])["aud"]) == ("me", "api")
    assert call(api, f"Bearer {tokens['access']}").status_code == 200
    assert api.post("/token/refresh/", {"refresh": tokens["refresh"]}).status_code == 200
    simple_jwt(ISSUER="somebody else")
    assert call(api, f"Bearer {tokens['access']}").status_code == 401


def test_headers(api: APIClient, alice: User, simple_jwt: Any) -> None:
    simple_jwt(AUTH_HEADER_TYPES=("JWT", "Token"), AUTH_HEADER_NAME="HTTP_X_AUTH")
    access = sign_in(api).json()["access"]
    for scheme in ("JWT", "Token"):
        assert call(api, f"{scheme} {access}", "HTTP_X_AUTH").status_code == 200
    assert call(api, f"Bearer {access}", "HTTP_X_AUTH").status_code == 401
    refused = call(api, f"JWT {access}")
    assert (refused.status_code, refused["WWW-Authenticate"]) == (401, 'JWT realm="api"')
    simple_jwt(AUTH_HEADER_TYPES="Word", AUTH_HEADER_NAME="HTTP_AUTHORIZATION")
    assert call(api, f"Word {access}").status_code == 200


def test_the_names_of_claims(api: APIClient, alice: User, simple_jwt: Any) -> None:
    simple_jwt(
        USER_ID_CLAIM="uid", USER_ID_FIELD="username", JTI_CLAIM="id", TOKEN_TYPE_CLAIM="kind"
    )
    tokens = sign_in(api).json()
    claims = payload(tokens["access"])
    assert claims["uid"] == claims["sub"] == "alice"
    assert AccessToken(tokens["access"])["kind"] == "access"
    assert RefreshToken(tokens["refresh"])["id"] == Session.objects.get().pk.hex
    assert call(api, f"Bearer {tokens['access']}").json()["user"] == "alice"
    assert api.post("/token/refresh/", {"refresh": tokens["refresh"]}).status_code == 200
    with pytest.raises(TokenError, match="wrong type"):
        AccessToken(tokens["refresh"])


def test_no_names_of_claims(api: APIClient, alice: User, simple_jwt: Any) -> None:
    simple_jwt(JTI_CLAIM=None, TOKEN_TYPE_CLAIM=None, USER_ID_CLAIM="sub")
    tokens = sign_in(api).json()
    assert call(api, f"Bearer {tokens['access']}").status_code == 200
    assert api.post("/token/refresh/", {"refresh": tokens["refresh"]}).status_code == 200


def staff_only(user: Any) -> bool:
    return user is not None and user.is_staff


def test_the_rule(api: APIClient, alice: User, simple_jwt: Any) -> None:
    tokens = sign_in(api).json()
    simple_jwt(USER_AUTHENTICATION_RULE=f"{__name__}.staff_only")
    assert sign_in(api).status_code == 401
    refused = api.post("/token/refresh/", {"refresh": tokens["refresh"]})
    assert (refused.status_code, refused.json()) == (
        401,
        {"detail": "No active account found for the given token."},
    )
    User.objects.update(is_staff=True)
    assert sign_in(api).status_code == 200
    assert api.post("/token/refresh/", {"refresh": tokens["refresh"]}).status_code == 200


@pytest.mark.parametrize("updates", [True, False])
def test_last_login(api: APIClient, alice: User, simple_jwt: Any, *, updates: bool) -> None:
    simple_jwt(UPDATE_LAST_LOGIN=updates)
    sign_in(api)
    alice.refresh_from_db()
    assert (alice.last_login is not None) == updates


def test_classes_of_ones_own(api: APIClient, alice: User, simple_jwt: Any) -> None:
    here = "drf_ratchet_compat.simplejwt"
    simple_jwt(
        AUTH_TOKEN_CLASSES=[f"{here}.tokens.SlidingToken"],
        TOKEN_OBTAIN_SERIALIZER=f"{here}.serializers.TokenObtainSlidingSerializer",
        SLIDING_TOKEN_LIFETIME=timedelta(minutes=2),
        SLIDING_TOKEN_REFRESH_LIFETIME=timedelta(days=3),
        SLIDING_TOKEN_REFRESH_EXP_CLAIM="until",
    )
    token = sign_in(api).json()["token"]
    read = SlidingToken(token)
    assert read["exp"] - read["iat"] == 120
    assert read["until"] - read["iat"] == 3 * 86400
    assert call(api, f"Bearer {token}").status_code == 200
    assert call(api, f"Bearer {AccessToken.for_user(alice)}").status_code == 401


class Reader(TokenUser):
    pass


def test_the_class_of_a_stateless_user(alice: User, simple_jwt: Any, settings: Any) -> None:
    simple_jwt(TOKEN_USER_CLASS=f"{__name__}.Reader")
    authentication = JWTStatelessUserAuthentication()
    assert type(authentication.get_user(AccessToken.for_user(alice))) is Reader


def test_a_key_that_others_know(api: APIClient, alice: User, simple_jwt: Any) -> None:
    simple_jwt(SIGNING_KEY=LONG)
    tokens = sign_in(api).json()
    assert jwt.decode(tokens["access"], LONG, ["HS256"])["user_id"] == str(alice.pk)
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(tokens["refresh"], LONG, ["HS256"])


def test_a_pair_of_keys(api: APIClient, alice: User, simple_jwt: Any, pem: tuple[str, str]) -> None:
    private, public = pem
    simple_jwt(ALGORITHM="RS512", SIGNING_KEY=private, VERIFYING_KEY=public)
    access = sign_in(api).json()["access"]
    assert jwt.decode(access, public, ["RS512"])["user_id"] == str(alice.pk)
    assert call(api, f"Bearer {access}").status_code == 200
    old = jwt.encode(
        {"token_type": "access", "exp": 2**33, "jti": "x", "user_id": alice.pk}, private, "RS512"
    )
    assert call(api, f"Bearer {old}").status_code == 200
    # The public key is public: nobody signs with it.
    forged = jwt.encode({"exp": 2**33, "jti": "x", "user_id": alice.pk}, "x" * 64, "HS512")
    assert call(api, f"Bearer {forged}").status_code == 401


@pytest.mark.parametrize(
    ("chosen", "word"),
    [
        ({"JWK_URL": "https://example.com/keys"}, "JWK_URL"),
        ({"CHECK_USER_IS_ACTIVE": False}, "CHECK_USER_IS_ACTIVE"),
        ({"ALGORITHM": "none"}, "ALGORITHM"),
        ({"ALGORITHM": "ES256K"}, "ALGORITHM"),
        ({"USER_ID_CLAIM": "sid"}, "USER_ID_CLAIM"),
        ({"JTI_CLAIM": "exp"}, "JTI_CLAIM"),
        ({"TOKEN_TYPE_CLAIM": "aud"}, "TOKEN_TYPE_CLAIM"),
        ({"ALGORITHM": "RS256", "SIGNING_KEY": LONG}, "RS256"),
    ],
)
def test_what_is_refused(simple_jwt: Any, chosen: dict[str, Any], word: str) -> None:
    simple_jwt(**chosen)
    with pytest.raises(ImproperlyConfigured, match=word) as refused:
        ratchet_settings()
    assert LONG not in str(refused.value)
    found = checks.check_simple_jwt()
    assert [message.id for message in found] == ["ratchet_simplejwt.E001"]
    assert word in str(found[0].msg)


@pytest.mark.parametrize(
    ("chosen", "word"),
    [
        ({"ACCES_TOKEN_LIFETIME": 1}, "Did you mean 'ACCESS_TOKEN_LIFETIME'?"),
        ({"TOKEN_USER_CLASS": "rest_framework_simplejwt.models.TokenUser"}, "in place of"),
        ({"SIGNING_KEY": "short"}, "Services"),
    ],
)
def test_what_is_warned_of(simple_jwt: Any, chosen: dict[str, Any], word: str) -> None:
    simple_jwt(**chosen)
    found = checks.check_simple_jwt()
    assert [message.id for message in found] == ["ratchet_simplejwt.W001"]
    assert word in str(found[0].hint)


def test_the_door_that_is_still_open(simple_jwt: Any) -> None:
    assert [message.id for message in checks.check_legacy_keys()] == ["ratchet_simplejwt.W002"]
    simple_jwt(LEGACY_KEYS=[])
    assert checks.check_legacy_keys() == []


def test_nothing_is_wrong_by_default(settings: Any) -> None:
    settings.SIMPLE_JWT = {}
    assert checks.check_simple_jwt() == []
    assert list(underneath.unknown(dict.fromkeys(DEFAULTS))) == []


@pytest.mark.parametrize("name", REMOVED_SETTINGS)
def test_what_simplejwt_took_away(name: str) -> None:
    """simplejwt itself, which is installed beside us, raises at such a setting."""
    ((text, hint),) = underneath.refusals({name: LONG})
    assert name in text
    assert LONG not in text + hint
