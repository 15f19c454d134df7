"""What holds for every input that Hypothesis can think of."""

import json
import time
from typing import Any

import jwt
import pytest
from hypothesis import HealthCheck, assume, event, example, given, settings
from hypothesis import strategies as st

from ratchet_tokens import codec
from ratchet_tokens.claims import REGISTERED_CLAIMS, Kind, RefreshClaims
from ratchet_tokens.errors import TokenRefused
from ratchet_tokens.keys import Key, KeySet
from tests.sizes import sized
from token_tests.forge import claims, encoded, forge, header, key_for, mutable_copy, signed

pytestmark = pytest.mark.any_database

# A busy machine is no failure.
WHENEVER = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

KEY = Key.derive("the secret", "access")
KEYS = KeySet(KEY)
SECRET: bytes = KEY.jose.raw_value
ASCII = "".join(map(chr, range(128)))

ANY_CHARACTER = st.characters(exclude_categories=())  # surrogates too
ANY_TEXT = st.text(ANY_CHARACTER)
SCALAR = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | ANY_TEXT
)
JSON = st.recursive(
    SCALAR,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4),
    max_leaves=12,
)
JSON_TEXT = JSON.map(lambda value: json.dumps(value).encode())
SEGMENT = st.binary(max_size=60).map(encoded) | JSON_TEXT.map(encoded) | st.text(ASCII)
HEADER = st.fixed_dictionaries(
    {
        "alg": st.just("HS256") | JSON,
        "typ": st.just("at+jwt") | JSON,
        "kid": st.just(KEY.kid) | JSON,
    },
    optional=dict.fromkeys(("crit", "b64", "jwk", "zip"), JSON),
)


@WHENEVER
@given(
    ANY_TEXT
    | st.binary()
    | JSON
    | st.lists(SEGMENT, max_size=5).map(".".join)
    | st.tuples(HEADER, SEGMENT, SEGMENT).map(
        lambda parts: f"{encoded(parts[0])}.{parts[1]}.{parts[2]}"
    )
)
def test_nothing_but_a_refusal(token: object) -> None:
    for look in (
        lambda: codec.kind_of(token),
        lambda: codec.verify(token, KEYS, Kind.ACCESS),
        lambda: codec.verify(token, KEYS, Kind.REFRESH, check_times=False),
    ):
        try:
            said = look()
        except TokenRefused:
            continue
        assert isinstance(said, Kind), "nobody signed that"


@WHENEVER
@given(HEADER, st.binary(max_size=200) | JSON_TEXT)
@example({"alg": "HS256", "typ": "at+jwt", "kid": KEY.kid}, b"{}")
def test_nothing_but_a_refusal_where_the_signature_is_right(
    said: dict[str, Any], payload: bytes
) -> None:
    with pytest.raises(TokenRefused):  # no payload of these has what a token needs
        codec.verify(forge(KEY, payload, said), KEYS, Kind.ACCESS)


@WHENEVER
@given(st.text(ASCII, max_size=60), st.text(ASCII, max_size=60))
def test_nothing_but_a_refusal_for_signed_nonsense(first: str, second: str) -> None:
    with pytest.raises(TokenRefused):
        codec.verify(signed(SECRET, f"{first}.{second}"), KEYS, Kind.ACCESS)


TOKENS = {
    alg: codec.sign(claims(role="user"), key_for(alg), Kind.ACCESS)
    for alg in ("HS256", "ES256", "Ed25519", "RS256")
}


@pytest.mark.parametrize("alg", TOKENS)
@settings(WHENEVER, max_examples=sized(300, 50))
@given(data=st.data())
def test_one_character_changed(alg: str, data: st.DataObject) -> None:
    token, keys = TOKENS[alg], KeySet(key_for(alg))
    assert codec.verify(token, keys, Kind.ACCESS)
    place = data.draw(st.integers(0, len(token)), label="place")
    removed = data.draw(st.integers(0, 1), label="removed")
    put = data.draw(st.sampled_from(ASCII) | ANY_CHARACTER | st.just(""), label="put in")
    changed = token[:place] + put + token[place + removed :]
    assume(changed != token)

    with pytest.raises(TokenRefused):
        codec.verify(changed, keys, Kind.ACCESS)


CUSTOM = st.dictionaries(
    ANY_TEXT.filter(lambda name: name not in REGISTERED_CLAIMS), JSON, max_size=5
)


@WHENEVER
@given(CUSTOM)
def test_custom_claims_survive_a_round_trip(custom: dict[str, Any]) -> None:
    said = {**claims(), **custom}

    read = codec.verify(codec.sign(said, KEY, Kind.ACCESS), KEYS, Kind.ACCESS)

    assert mutable_copy(read) == said
    assert _types(mutable_copy(read)) == _types(said)


def _types(value: Any) -> Any:
    """`1 == 1.0 == True`, and they are not the same JSON."""
    if isinstance(value, dict):
        return {name: _types(item) for name, item in value.items()}
    return [_types(item) for item in value] if isinstance(value, list) else type(value)


# Minutes from now, so that the moment between the two looks does not count.
TIME = st.integers(-60, 60).map(lambda minutes: int(time.time()) + 60 * minutes + 30) | JSON
OURS = st.sampled_from(["us", "blog", "shop"])
NAME = OURS | st.sampled_from(["them", ""])
CHANGE = st.one_of(
    [
        *(st.tuples(st.just(name), TIME) for name in ("iat", "nbf", "exp", "auth_time")),
        *(st.tuples(st.just(name), NAME | JSON) for name in ("iss", "sub", "sid", "token_type")),
        st.tuples(st.just("aud"), NAME | st.lists(NAME | SCALAR) | JSON),
        st.tuples(st.just("jti"), JSON),
        st.tuples(st.just("gen"), JSON),
    ]
)


@settings(WHENEVER, max_examples=sized(500, 50))
@given(
    st.lists(CHANGE, max_size=4).map(dict),
    CUSTOM,
    st.none() | OURS,
    st.lists(OURS, max_size=2),
)
def test_what_we_accept_pyjwt_accepts(
    changes: dict[str, Any], custom: dict[str, Any], issuer: str | None, audience: list[str]
) -> None:
    token = forge(KEY, {**claims(), **changes, **custom}, header(KEY))
    try:
        read = codec.verify(token, KEYS, Kind.ACCESS, issuer=issuer, audience=audience)
    except TokenRefused:
        return

    theirs = jwt.decode(
        token,
        SECRET,
        algorithms=["HS256"],
        issuer=issuer,
        audience=audience or None,
        leeway=codec.ISSUED_AHEAD,
        options={"require": ["exp", "iat", "sub"]},
    )

    event("accepted")
    assert mutable_copy(read) == theirs


@pytest.mark.parametrize("changes", [{"jti": 1}, {"jti": None}, {"aud": ["blog", 1]}])
def test_what_pyjwt_refuses_we_refuse(changes: dict[str, Any]) -> None:
    """RFC 7519 section 4.1: a jti is a string, an audience is one or a list of them."""
    token = forge(KEY, claims(**{"aud": "blog"} | changes), header(KEY))
    with pytest.raises(jwt.InvalidTokenError):
        jwt.decode(token, SECRET, algorithms=["HS256"], audience="blog")

    with pytest.raises(TokenRefused):
        codec.verify(token, KEYS, Kind.ACCESS, audience=("blog",))


@WHENEVER
@given(st.dictionaries(st.sampled_from(["sub", "sid", "gen"]), JSON))
def test_nothing_but_a_refusal_for_the_three_of_a_refresh(said: dict[str, Any]) -> None:
    try:
        read = RefreshClaims.read({**claims(Kind.REFRESH), **said})
    except TokenRefused:
        return
    assert isinstance(read.subject, str)
    assert type(read.generation) is int
    assert read.generation >= 0
