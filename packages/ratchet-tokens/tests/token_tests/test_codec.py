"""What an honest token goes through: signed, verified, and refused when its time is over."""

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from ratchet_tokens import codec
from ratchet_tokens.algorithms import ALGORITHMS, HMAC_BYTES
from ratchet_tokens.claims import Claims, Kind
from ratchet_tokens.errors import Reason, TokenRefused
from ratchet_tokens.keys import KeySet
from token_tests.forge import claims, decoded, forge, header, key_for, mutable_copy, public_half

pytestmark = pytest.mark.any_database

NOW = 1_800_000_000
HS256 = key_for("HS256")
KEYS = KeySet(HS256)
EVERY_ALGORITHM = pytest.mark.parametrize("alg", ALGORITHMS)
EVERY_KIND = pytest.mark.parametrize("kind", list(Kind))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Set the time as the codec sees it."""

    def set_to(now: float) -> None:
        monkeypatch.setattr(codec, "time", SimpleNamespace(time=lambda: now))

    set_to(NOW)
    return set_to


def verified(changes: dict[str, Any], kind: Kind = Kind.ACCESS, **options: Any) -> Claims:
    """The claims of a token of `NOW`, with changes, by way of a token."""
    said = claims(kind, **{"iat": NOW, "exp": NOW + 300, **changes})
    return codec.verify(codec.sign(said, HS256, kind), KEYS, kind, **options)


def refusal(changes: dict[str, Any], kind: Kind = Kind.ACCESS, **options: Any) -> Reason:
    with pytest.raises(TokenRefused) as refused:
        verified(changes, kind, **options)
    return refused.value.reason


class TestRoundTrip:
    @EVERY_ALGORITHM
    @EVERY_KIND
    def test_what_was_signed_is_what_is_read(self, alg: str, kind: Kind) -> None:
        said = claims(kind, roles=["editor", {"of": ["blog"]}], quota=1.5, note=None)
        key = key_for(alg)

        token = codec.sign(said, key, kind)

        assert mutable_copy(codec.verify(token, KeySet(key), kind)) == said

    @EVERY_ALGORITHM
    def test_the_header(self, alg: str) -> None:
        key = key_for(alg)

        segment = codec.sign(claims(), key, Kind.ACCESS).split(".")[0]

        assert json.loads(decoded(segment)) == {"alg": alg, "typ": "at+jwt", "kid": key.kid}

    @pytest.mark.parametrize("alg", sorted(set(ALGORITHMS) - set(HMAC_BYTES)))
    def test_the_public_half_is_enough_to_verify(self, alg: str) -> None:
        key = key_for(alg)

        verified = codec.verify(
            codec.sign(claims(), key, Kind.ACCESS), KeySet(public_half(key)), Kind.ACCESS
        )

        assert verified["sub"] == "1"

    @EVERY_ALGORITHM
    def test_another_key_does_not_verify(self, alg: str) -> None:
        key = key_for(alg)
        token = codec.sign(claims(), key, Kind.ACCESS)
        other = key_for("HS256" if alg != "HS256" else "ES256")

        with pytest.raises(TokenRefused) as refused:
            codec.verify(token, KeySet(other), Kind.ACCESS)

        assert refused.value.reason is Reason.BAD_SIGNATURE

    def test_every_key_of_the_set_verifies(self) -> None:
        older = [key_for(alg) for alg in ("ES256", "RS256", "Ed25519")]
        keys = KeySet(HS256, older)

        for key in (HS256, *older):
            assert codec.verify(codec.sign(claims(), key, Kind.ACCESS), keys, Kind.ACCESS)

    @EVERY_KIND
    def test_a_token_tells_its_kind(self, kind: Kind) -> None:
        assert codec.kind_of(codec.sign(claims(kind), HS256, kind)) is kind

    @pytest.mark.parametrize(
        "typ", ["at+jwt", "AT+JWT", "application/at+jwt", "Application/At+Jwt"]
    )
    def test_spellings_of_the_media_type(self, typ: str) -> None:
        # RFC 7515 section 4.1.9: compared without case, "application/" may be left out.
        token = forge(HS256, claims(), header(HS256, typ=typ))

        assert codec.kind_of(token) is Kind.ACCESS
        assert codec.verify(token, KEYS, Kind.ACCESS)["sub"] == "1"


class TestSign:
    def test_a_token_longer_than_any_header(self) -> None:
        room = codec.MAX_LENGTH - len(codec.sign(claims(note=""), HS256, Kind.ACCESS))
        # Three bytes make four characters.
        fits = codec.sign(claims(note="x" * (room // 4 * 3 - 3)), HS256, Kind.ACCESS)

        assert len(fits) <= codec.MAX_LENGTH
        assert codec.verify(fits, KEYS, Kind.ACCESS)["sub"] == "1"
        with pytest.raises(ValueError, match="custom claims"):
            codec.sign(claims(note="x" * room), HS256, Kind.ACCESS)

    def test_an_honest_token_that_is_too_long_is_refused(self) -> None:
        token = forge(HS256, claims(note="x" * codec.MAX_LENGTH), header(HS256))

        with pytest.raises(TokenRefused) as refused:
            codec.verify(token, KEYS, Kind.ACCESS)

        assert refused.value.reason is Reason.MALFORMED

    @pytest.mark.parametrize(
        ("value", "error"),
        [
            (float("nan"), ValueError),
            (float("inf"), ValueError),
            (object(), TypeError),
            (b"bytes", TypeError),
            ({"a set"}, TypeError),
            pytest.param(10**5000, ValueError, id="5000 digits"),
        ],
    )
    def test_what_json_does_not_have(self, value: object, error: type[Exception]) -> None:
        with pytest.raises(error):
            codec.sign(claims(note=value), HS256, Kind.ACCESS)


@pytest.mark.usefixtures("clock")
class TestTimes:
    @EVERY_KIND
    @pytest.mark.parametrize(
        ("changes", "leeway", "reason"),
        [
            # `exp` is the first second at which the token is no longer good.
            ({"exp": NOW + 1}, 0, None),
            ({"exp": NOW + 0.001}, 0, None),
            ({"exp": NOW}, 0, Reason.EXPIRED),
            ({"exp": NOW - 1}, 0, Reason.EXPIRED),
            ({"exp": NOW - 1}, 2, None),
            ({"exp": NOW - 2}, 2, Reason.EXPIRED),
            ({"exp": 0}, 0, Reason.EXPIRED),
            ({"exp": -1e9}, 0, Reason.EXPIRED),
            ({"nbf": NOW}, 0, None),
            ({"nbf": NOW + 1}, 0, Reason.NOT_YET_VALID),
            ({"nbf": NOW + 2}, 2, None),
            ({"nbf": NOW + 3}, 2, Reason.NOT_YET_VALID),
            # `iat` alone is allowed for: another machine's clock may be ahead.
            ({"iat": NOW + codec.ISSUED_AHEAD}, 0, None),
            ({"iat": NOW + codec.ISSUED_AHEAD + 1}, 0, Reason.NOT_YET_VALID),
            ({"iat": NOW + codec.ISSUED_AHEAD + 2}, 2, None),
            ({"iat": NOW + codec.ISSUED_AHEAD + 3}, 2, Reason.NOT_YET_VALID),
            # An early `nbf` does not excuse an `iat` far ahead, nor the other way round.
            ({"iat": NOW + 100, "nbf": NOW}, 0, Reason.NOT_YET_VALID),
            ({"iat": NOW, "nbf": NOW + 100}, 0, Reason.NOT_YET_VALID),
        ],
    )
    def test_the_boundaries(
        self, kind: Kind, changes: dict[str, Any], leeway: float, reason: Reason | None
    ) -> None:
        if reason is None:
            assert verified(changes, kind, leeway=leeway)["sub"] == "1"
        else:
            assert refusal(changes, kind, leeway=leeway) is reason

    def test_the_clock_is_asked_each_time(self, clock: Callable[[float], None]) -> None:
        token = codec.sign(claims(iat=NOW, exp=NOW + 300), HS256, Kind.ACCESS)
        assert codec.verify(token, KEYS, Kind.ACCESS)

        clock(NOW + 300)

        with pytest.raises(TokenRefused) as refused:
            codec.verify(token, KEYS, Kind.ACCESS)
        assert refused.value.reason is Reason.EXPIRED

    @pytest.mark.parametrize("changes", [{"exp": NOW - 1}, {"nbf": NOW + 99}, {"iat": NOW + 99}])
    def test_a_logout_does_not_look(self, changes: dict[str, Any]) -> None:
        assert verified(changes, Kind.REFRESH, check_times=False)["gen"] == 1

    @pytest.mark.parametrize("name", ["exp", "iat", "nbf"])
    def test_but_a_time_must_be_one(self, name: str) -> None:
        assert refusal({name: "soon"}, Kind.REFRESH, check_times=False) is Reason.MALFORMED


@pytest.mark.usefixtures("clock")
class TestForWhom:
    @pytest.mark.parametrize(
        ("said", "demanded", "reason"),
        [
            ({}, None, None),
            ({"iss": "us"}, None, None),
            ({"iss": "us"}, "us", None),
            ({"iss": "them"}, "us", Reason.WRONG_ISSUER),
            ({"iss": "US"}, "us", Reason.WRONG_ISSUER),
            ({"iss": ["us"]}, "us", Reason.WRONG_ISSUER),
            ({"iss": None}, "us", Reason.WRONG_ISSUER),
            ({}, "us", Reason.WRONG_ISSUER),
        ],
    )
    def test_issuer(
        self, said: dict[str, Any], demanded: str | None, reason: Reason | None
    ) -> None:
        if reason is None:
            assert verified(said, issuer=demanded).get("iss") == said.get("iss")
        else:
            assert refusal(said, issuer=demanded) is reason

    @pytest.mark.parametrize(
        ("said", "ours", "reason"),
        [
            ({}, (), None),
            ({"aud": []}, (), None),
            ({"aud": "blog"}, ("blog",), None),
            ({"aud": "blog"}, ("shop", "blog"), None),
            ({"aud": ["shop", "blog"]}, ("blog",), None),
            ({"aud": "shop"}, ("blog",), Reason.WRONG_AUDIENCE),
            ({"aud": ["shop"]}, ("blog",), Reason.WRONG_AUDIENCE),
            ({"aud": "blog"}, ("blogs",), Reason.WRONG_AUDIENCE),
            ({"aud": ""}, ("blog",), Reason.WRONG_AUDIENCE),
            ({"aud": []}, ("blog",), Reason.WRONG_AUDIENCE),
            ({}, ("blog",), Reason.WRONG_AUDIENCE),
            # RFC 7519 section 4.1.3: whoever does not find its own name must refuse.
            ({"aud": "blog"}, (), Reason.WRONG_AUDIENCE),
            ({"aud": ""}, (), Reason.WRONG_AUDIENCE),
            ({"aud": 1}, ("blog",), Reason.MALFORMED),
            ({"aud": None}, (), Reason.MALFORMED),
            ({"aud": {"blog": 1}}, ("blog",), Reason.MALFORMED),
        ],
    )
    def test_audience(
        self, said: dict[str, Any], ours: tuple[str, ...], reason: Reason | None
    ) -> None:
        if reason is None:
            assert verified(said, audience=ours)["sub"] == "1"
        else:
            assert refusal(said, audience=ours) is reason

    def test_refresh_token_needs_no_issuer_or_audience(self) -> None:
        assert verified({}, Kind.REFRESH, issuer="us", audience=("blog",))["gen"] == 1
