"""Keys: derived, checked for fit, published without their secrets."""

import hashlib
import hmac
import json
import warnings
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa
from joserfc import jwk

from ratchet_tokens import codec
from ratchet_tokens.algorithms import ALGORITHMS, HMAC_BYTES
from ratchet_tokens.claims import Kind
from ratchet_tokens.key_texts import from_jwk
from ratchet_tokens.keys import Key, KeySet
from ratchet_tokens.ml_dsa import AKPKey
from token_tests.forge import claims, encoded, key_for, public_half, rsa_key

pytestmark = pytest.mark.any_database

ASYMMETRIC = [alg for alg in ALGORITHMS if alg not in HMAC_BYTES]
#: Members of a JWK that are secret (RFC 7518 section 6).
SECRET_MEMBERS = {"k", "d", "p", "q", "dp", "dq", "qi", "oth"}

# RFC 7638 section 3.1.
EXAMPLE = {
    "kty": "RSA",
    "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_"
    "BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2"
    "QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6W"
    "eZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
    "e": "AQAB",
    "alg": "RS256",
    "kid": "2011-04-29",
}
EXAMPLE_THUMBPRINT = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


class TestDerive:
    def test_every_process_derives_the_same(self) -> None:
        one, two = (Key.derive("the secret", "access") for _ in range(2))

        assert (one.kid, one.jose.raw_value) == (two.kid, two.jose.raw_value)

    @pytest.mark.parametrize("use", ["access", "refresh"])
    def test_by_hkdf(self, use: str) -> None:
        """RFC 5869, written out. Another label, length or hash would log everybody out."""
        derived = Key.derive("the secret", use)

        extracted = hmac.digest(bytes(32), b"the secret", "sha256")
        raw = hmac.digest(extracted, f"drf-ratchet {use} HS256".encode() + b"\1", "sha256")
        kid = hmac.digest(extracted, f"drf-ratchet {use} kid".encode() + b"\1", "sha256")[:12]
        assert derived.alg == "HS256"
        assert derived.jose.raw_value == raw
        assert derived.kid == encoded(kid)

    def test_differs_for_each_use_and_each_secret(self) -> None:
        keys = [
            Key.derive(secret, use)
            for secret in ("the secret", "the secreT", "the secret\n", "x")
            for use in ("access", "refresh")
        ]

        assert len({key.jose.raw_value for key in keys}) == len(keys)
        assert len({key.kid for key in keys}) == len(keys)

    def test_bytes_and_text_are_the_same_secret(self) -> None:
        assert Key.derive("sécret", "access").kid == Key.derive("sécret".encode(), "access").kid

    def test_the_kid_is_no_hash_of_the_key(self) -> None:
        """A hash would let anyone who sees a token try secrets against it, offline, for free."""
        key = Key.derive("the secret", "access")
        raw = key.jose.raw_value
        spellings = [raw, encoded(raw).encode(), raw.hex().encode(), b"the secret"]
        jwk_itself = json.dumps({"k": encoded(raw), "kty": "oct"}, separators=(",", ":")).encode()

        for name in ("md5", "sha1", "sha224", "sha256", "sha384", "sha512", "blake2b", "sha3_256"):
            for known in (*spellings, jwk_itself):
                digest = hashlib.new(name, known, usedforsecurity=False).digest()
                assert not encoded(digest).startswith(key.kid)
        assert not encoded(raw).startswith(key.kid)

    @pytest.mark.parametrize("secret", ["", b""])
    def test_not_from_nothing(self, secret: str | bytes) -> None:
        with pytest.raises(ValueError, match="empty"):
            Key.derive(secret, "access")


class TestFit:
    #: A key of every kind, and the algorithms it is for.
    KEYS = {
        "oct 256": (lambda: jwk.OctKey.generate_key(256), {"HS256"}),
        "oct 384": (lambda: jwk.OctKey.generate_key(384), {"HS256", "HS384"}),
        "oct 512": (lambda: jwk.OctKey.generate_key(512), set(HMAC_BYTES)),
        "P-256": (lambda: jwk.ECKey.generate_key("P-256"), {"ES256"}),
        "P-384": (lambda: jwk.ECKey.generate_key("P-384"), {"ES384"}),
        "P-521": (lambda: jwk.ECKey.generate_key("P-521"), {"ES512"}),
        "secp256k1": (
            lambda: jwk.ECKey.import_key(_pem(ec.generate_private_key(ec.SECP256K1()))),
            set(),
        ),
        "Ed25519": (lambda: jwk.OKPKey.generate_key("Ed25519"), {"Ed25519", "EdDSA"}),
        "Ed448": (lambda: jwk.OKPKey.import_key(_pem(ed448.Ed448PrivateKey.generate())), set()),
        "X25519": (lambda: jwk.OKPKey.generate_key("X25519"), set()),
        "ML-DSA-65": (lambda: AKPKey.generate_key("ML-DSA-65"), {"ML-DSA-65"}),
        "RSA": (rsa_key, {alg for alg in ALGORITHMS if alg.startswith(("RS", "PS"))}),
    }

    @pytest.mark.parametrize(("make", "fitting"), KEYS.values(), ids=KEYS)
    def test_an_algorithm_fits_the_key_or_is_refused(self, make: Any, fitting: set[str]) -> None:
        jose = make()

        for alg in ALGORITHMS:
            if alg in fitting:
                key = Key(jose, alg, kid="k")
                assert codec.verify(
                    codec.sign(claims(), key, Kind.ACCESS), KeySet(key), Kind.ACCESS
                )
            else:
                with pytest.raises(ValueError, match=alg):
                    Key(jose, alg, kid="k")

    @pytest.mark.parametrize(
        "alg", ["none", "", "hs256", "HS1", "Ed448", "dir", "ML-DSA-45", "RSA-OAEP"]
    )
    @pytest.mark.parametrize("name", KEYS)
    def test_what_is_no_algorithm_of_ours(self, name: str, alg: str) -> None:
        with pytest.raises(ValueError, match="not a supported algorithm"):
            Key(self.KEYS[name][0](), alg, kid="k")

    @pytest.mark.parametrize(("alg", "size"), HMAC_BYTES.items())
    def test_a_shared_secret_too_short(self, alg: str, size: int) -> None:
        """RFC 7518 section 3.2: as long as the hash at least."""
        assert Key(jwk.OctKey.import_key(b"x" * size), alg, kid="k")
        with pytest.raises(ValueError, match=f"{size * 8} bits"):
            Key(jwk.OctKey.import_key(b"x" * (size - 1)), alg, kid="k")

    def test_an_rsa_key_too_short(self) -> None:
        """RFC 7518 section 3.3."""
        with warnings.catch_warnings(action="ignore"):  # joserfc has its own word to say
            short = jwk.RSAKey.import_key(_pem(rsa.generate_private_key(65537, 2040)))

        with pytest.raises(ValueError, match="2048 bits"):
            Key(short, "RS256")

    @pytest.mark.parametrize("said", [{"alg": "ES512"}, {"use": "enc"}, {"key_ops": ["deriveKey"]}])
    def test_a_key_that_says_what_else_it_is_for(self, said: dict[str, Any]) -> None:
        """RFC 7517 sections 4.2 to 4.4: better found when the keys are read than at a sign-in."""
        with pytest.raises(ValueError, match="ES256"):
            Key(jwk.ECKey.generate_key("P-256", said), "ES256")

    def test_a_public_key_does_not_sign(self) -> None:
        with pytest.raises(ValueError, match="private"):
            codec.sign(claims(), public_half(key_for("ES256")), Kind.ACCESS)


class TestKeyId:
    def test_the_example_of_rfc_7638(self) -> None:
        assert Key(jwk.RSAKey.import_key(EXAMPLE), "RS256").kid == EXAMPLE_THUMBPRINT

    @pytest.mark.parametrize("alg", ASYMMETRIC)
    def test_both_halves_have_the_same(self, alg: str) -> None:
        assert public_half(key_for(alg)).kid == key_for(alg).kid

    def test_one_may_be_given(self) -> None:
        assert Key(rsa_key(), "RS256", kid="of 2026").kid == "of 2026"

    @pytest.mark.parametrize("kid", [None, ""])
    def test_a_shared_secret_needs_one_given(self, kid: str | None) -> None:
        """The thumbprint would be a hash of the secret, in the header of each token."""
        with pytest.raises(ValueError, match="kid"):
            Key(jwk.OctKey.generate_key(256), "HS256", kid)

    def test_two_keys_of_one_kid(self) -> None:
        one, two = (Key(jwk.OctKey.generate_key(256), "HS256", kid="k") for _ in range(2))

        with pytest.raises(ValueError, match="'k'"):
            KeySet(one, [two])
        with pytest.raises(ValueError, match="'k'"):
            KeySet(key_for("ES256"), [one, two])


class TestPublished:
    @pytest.mark.parametrize("alg", ASYMMETRIC)
    def test_the_public_half_and_no_more(self, alg: str) -> None:
        key = key_for(alg)

        (published,) = KeySet(key).published()["keys"]

        secret = key.jose.as_dict(private=True)
        assert not SECRET_MEMBERS & published.keys()
        assert not {secret.get(name) for name in SECRET_MEMBERS} & set(published.values())
        assert published["kid"] == key.kid
        assert published["alg"] == alg
        assert published["use"] == "sig"

    @pytest.mark.parametrize("alg", ASYMMETRIC)
    def test_it_verifies(self, alg: str) -> None:
        key = key_for(alg)
        (published,) = json.loads(json.dumps(KeySet(key).published()))["keys"]
        read = from_jwk(published)

        token = codec.sign(claims(), key, Kind.ACCESS)

        assert codec.verify(token, KeySet(read), Kind.ACCESS)["sub"] == "1"

    @pytest.mark.parametrize("said", [{"key_ops": ["sign"]}, {"note": "kept in vault 7"}])
    def test_nothing_else_that_the_key_says(self, said: dict[str, Any]) -> None:
        (published,) = KeySet(Key(jwk.ECKey.generate_key("P-256", said), "ES256")).published()[
            "keys"
        ]

        assert published.keys() == {"kty", "crv", "x", "y", "kid", "alg", "use"}

    def test_shared_secrets_never(self) -> None:
        shared = [key_for(alg) for alg in HMAC_BYTES]

        assert KeySet(shared[0], shared[1:]).published() == {"keys": []}
        assert [
            key["kid"]
            for key in KeySet(shared[0], [*shared[1:], key_for("ES256")]).published()["keys"]
        ] == [key_for("ES256").kid]
        for key in shared:
            with pytest.raises(ValueError, match="must not be published"):
                key.public_jwk()

    def test_older_keys_too(self) -> None:
        keys = KeySet(key_for("ES256"), [key_for("Ed25519")])

        assert [key["alg"] for key in keys.published()["keys"]] == ["ES256", "Ed25519"]


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_nothing_printed_shows_the_key(alg: str) -> None:
    key = key_for(alg)
    keys = KeySet(key, [Key.derive("the secret", "access")])

    printed = f"{key} {key!r} {keys} {keys!r} {list(keys)}"

    assert key.kid in printed
    secret = key.jose.as_dict(private=True)
    for name in SECRET_MEMBERS & secret.keys():
        assert secret[name] not in printed
    if key.is_symmetric:
        raw = key.jose.raw_value
        assert raw.hex() not in printed
        assert repr(raw)[2:-1] not in printed


def _pem(key: Any) -> bytes:
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    pem: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem
