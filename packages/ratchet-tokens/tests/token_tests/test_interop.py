"""A second implementation reads what we write, and writes what we read."""

from typing import Any

import jwt
import pytest

from ratchet_tokens import codec, ml_dsa
from ratchet_tokens.algorithms import ALGORITHMS
from ratchet_tokens.claims import Kind
from ratchet_tokens.keys import Key, KeySet
from token_tests.forge import claims, key_for, mutable_copy

pytestmark = pytest.mark.any_database

# PyJWT knows the older name "EdDSA" and not RFC 9864's "Ed25519", and no ML-DSA.
ALGORITHMS_OF_PYJWT = [alg for alg in ALGORITHMS if alg in jwt.algorithms.get_default_algorithms()]
EVERY_ALGORITHM = pytest.mark.parametrize("alg", ALGORITHMS_OF_PYJWT)


def test_pyjwt_knows_all_but_these() -> None:
    assert set(ALGORITHMS) - set(ALGORITHMS_OF_PYJWT) <= {"Ed25519", *ml_dsa.NAMES}


@EVERY_ALGORITHM
def test_it_reads_ours(alg: str) -> None:
    said, key = claims(roles=["editor"]), key_for(alg)

    token = codec.sign(said, key, Kind.ACCESS)

    assert jwt.decode(token, as_pyjwt_has_it(key, private=False), algorithms=[alg]) == said


@EVERY_ALGORITHM
@pytest.mark.parametrize("kind", list(Kind))
def test_we_read_its(alg: str, kind: Kind) -> None:
    said, key = claims(kind), key_for(alg)

    token = jwt.encode(
        said,
        as_pyjwt_has_it(key, private=True),
        algorithm=alg,
        headers={"typ": kind.typ, "kid": key.kid},
    )

    assert mutable_copy(codec.verify(token, KeySet(key), kind)) == said


@EVERY_ALGORITHM
def test_it_refuses_what_another_key_signed(alg: str) -> None:
    key, other = key_for(alg), key_for("HS256" if alg != "HS256" else "ES256")

    token = codec.sign(claims(), other, Kind.ACCESS)

    with pytest.raises(jwt.InvalidTokenError):
        jwt.decode(token, as_pyjwt_has_it(key, private=False), algorithms=[alg])


@pytest.mark.parametrize("alg", ["ES256", "RS256", "PS512"])
def test_it_reads_the_published_form(alg: str) -> None:
    key = key_for(alg)
    published = jwt.PyJWKSet.from_dict(KeySet(key).published())

    token = codec.sign(claims(), key, Kind.ACCESS)

    assert jwt.decode(token, published[key.kid], algorithms=[alg])["sub"] == "1"


def as_pyjwt_has_it(key: Key, *, private: bool) -> Any:
    raw: Any = key.jose.raw_value
    return raw if key.is_symmetric or private else raw.public_key()
