"""What a token says: made, read, and changed by nobody."""

import copy
import pickle
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from ratchet_tokens import codec
from ratchet_tokens.claims import (
    REGISTERED_CLAIMS,
    Claims,
    Kind,
    RefreshClaims,
    access_claims,
    refresh_claims,
    session_id,
)
from ratchet_tokens.errors import Reason, TokenRefused
from ratchet_tokens.keys import KeySet
from token_tests.forge import SESSION, claims, key_for, mutable_copy, without

pytestmark = pytest.mark.any_database

HS256 = key_for("HS256")
KEYS = KeySet(HS256)
ACCESS: dict[str, Any] = {
    "subject": "1",
    "session": SESSION,
    "issued_at": 1000,
    "expires_at": 1300,
    "auth_time": 900,
}
REFRESH: dict[str, Any] = {
    "subject": "1",
    "session": SESSION,
    "generation": 7,
    "issued_at": 1000,
    "expires_at": 1300,
}


class TestImmutable:
    """`request.auth` is passed to every view and to all the code that it calls."""

    @pytest.fixture
    def read(self) -> Claims:
        token = codec.sign(claims(roles=["a"], tree={"b": [{"c": []}]}), HS256, Kind.ACCESS)
        return codec.verify(token, KEYS, Kind.ACCESS)

    def test_copies_and_pickles_are_equal_and_immutable(self, read: Claims) -> None:
        """A task queue or a cache gets it as it is."""
        for made in (copy.copy(read), copy.deepcopy(read), pickle.loads(pickle.dumps(read))):
            assert made == read
            assert made["tree"]["b"][0]["c"] == ()
            with pytest.raises(TypeError):
                made["tree"]["b"] = 1

    @pytest.mark.parametrize(
        "change",
        [
            lambda read: read.__setitem__("role", "admin"),
            lambda read: read.__delitem__("sub"),
            lambda read: read.update(role="admin"),
            lambda read: read.pop("sub"),
            lambda read: read.clear(),
            lambda read: read.setdefault("role", "admin"),
            lambda read: setattr(read, "role", "admin"),
            lambda read: read["roles"].append("admin"),
            lambda read: read["roles"].__setitem__(0, "admin"),
            lambda read: read["tree"].__setitem__("b", 1),
            lambda read: read["tree"]["b"].append(1),
            lambda read: read["tree"]["b"][0].__setitem__("c", 1),
            lambda read: read["tree"]["b"][0]["c"].append(1),
        ],
    )
    def test_nothing_changes_it(self, read: Claims, change: Callable[[Any], Any]) -> None:
        before = mutable_copy(read)

        with pytest.raises((TypeError, AttributeError)):
            change(read)

        assert mutable_copy(read) == before

    def test_it_is_a_mapping(self, read: Claims) -> None:
        assert read["roles"] == ("a",)
        assert read.get("role") is None
        assert "sub" in read
        assert len(read) == len(dict(read)) == len(list(read))

    def test_its_repr_tells_names_and_no_values(self) -> None:
        read = Claims({"email": "alice@example.com"})

        assert "email" in repr(read)
        assert "alice" not in f"{read} {read!r}"

    def test_the_source_may_change_afterwards(self) -> None:
        source: dict[str, Any] = {"roles": ["a"], "tree": {"b": 1}}
        read = Claims(source)

        source["roles"].append("admin")
        source["tree"]["b"] = 2

        assert mutable_copy(read) == {"roles": ["a"], "tree": {"b": 1}}


class TestAccess:
    def test_what_it_says(self) -> None:
        made = access_claims(**ACCESS, issuer="us", audience=("blog", "shop"), extra={"role": "x"})

        assert made.pop("jti")
        assert made == {
            "iss": "us",
            "aud": ["blog", "shop"],
            "sub": "1",
            "sid": str(SESSION),
            "iat": 1000,
            "exp": 1300,
            "auth_time": 900,
            "token_type": "access",
            "role": "x",
        }

    def test_what_it_leaves_out(self) -> None:
        assert not access_claims(**ACCESS).keys() & {"iss", "aud", "nbf", "client_id"}

    def test_one_audience_stays_a_string(self) -> None:
        assert access_claims(**ACCESS, audience="blog")["aud"] == "blog"

    def test_each_has_an_id_of_its_own(self) -> None:
        assert len({access_claims(**ACCESS)["jti"] for _ in range(100)}) == 100

    def test_no_custom_claim_takes_the_place_of_ours(self) -> None:
        forged = dict.fromkeys(REGISTERED_CLAIMS, "forged")

        made = access_claims(**ACCESS, issuer="us", audience="blog", extra=forged)

        ours = access_claims(**ACCESS, issuer="us", audience="blog")
        assert "forged" not in {made[name] for name in ours}

    def test_every_name_that_is_written_is_registered(self) -> None:
        written = {
            *access_claims(**ACCESS, issuer="us", audience="blog"),
            *refresh_claims(**REFRESH),
        }

        assert written <= REGISTERED_CLAIMS


class TestRefresh:
    def test_what_it_says(self) -> None:
        assert refresh_claims(**REFRESH) == {
            "token_type": "refresh",
            "sub": "1",
            "sid": str(SESSION),
            "gen": 7,
            "iat": 1000,
            "exp": 1300,
        }

    def test_the_same_row_gives_the_very_same_token(self) -> None:
        one, two = (codec.sign(refresh_claims(**REFRESH), HS256, Kind.REFRESH) for _ in range(2))

        assert one == two

    def test_it_is_read_again(self) -> None:
        assert RefreshClaims.read(refresh_claims(**REFRESH)) == RefreshClaims("1", SESSION, 7)

    @pytest.mark.parametrize("generation", [-1, 1.0, "1", True, None, [1], {}])
    def test_invalid_generation_is_malformed(self, generation: object) -> None:
        with pytest.raises(TokenRefused) as refused:
            RefreshClaims.read(claims(Kind.REFRESH, gen=generation))

        assert refused.value.reason is Reason.MALFORMED

    @pytest.mark.parametrize("subject", [1, None, ["1"], True])
    def test_invalid_subject_is_malformed(self, subject: object) -> None:
        with pytest.raises(TokenRefused) as refused:
            RefreshClaims.read(claims(Kind.REFRESH, sub=subject))

        assert refused.value.reason is Reason.MALFORMED

    @pytest.mark.parametrize("name", ["sub", "sid", "gen"])
    def test_one_missing(self, name: str) -> None:
        with pytest.raises(TokenRefused) as refused:
            RefreshClaims.read(without(name, Kind.REFRESH))

        assert refused.value.reason is Reason.MALFORMED


class TestSessionId:
    def test_read(self) -> None:
        assert session_id({"sid": str(SESSION)}) == SESSION
        assert isinstance(session_id({"sid": str(SESSION)}), UUID)

    @pytest.mark.parametrize(
        "sid",
        ["", "1", "x" * 32, "\ud800", f"{SESSION}0", "0" * 10_000, 1, None, [], {}, True, 1.5],
    )
    def test_not_an_id(self, sid: object) -> None:
        with pytest.raises(TokenRefused) as refused:
            session_id({"sid": sid})

        assert refused.value.reason is Reason.MALFORMED

    def test_missing(self) -> None:
        with pytest.raises(TokenRefused):
            session_id({})
