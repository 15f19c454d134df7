"""What an attacker sends to whoever verifies: refused, with the right reason and no other error.

The forgeries that need one of our keys are in test_malformed.py.
"""

import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ratchet_tokens import codec
from ratchet_tokens.claims import Kind
from ratchet_tokens.errors import Reason, TokenRefused
from ratchet_tokens.keys import Key, KeySet
from token_tests.forge import (
    claims,
    decoded,
    encoded,
    forge,
    header,
    key_for,
    public_half,
    signed,
    with_spare_bits,
)

pytestmark = pytest.mark.any_database

ACCESS = Key.derive("the secret", "access")
REFRESH = Key.derive("the secret", "refresh")
OLDER = Key.derive("an older secret", "access")
ACCESS_KEYS = KeySet(ACCESS, [OLDER])
REFRESH_KEYS = KeySet(REFRESH)
KEYS = {kind: REFRESH_KEYS if kind.is_refresh else ACCESS_KEYS for kind in Kind}

BOTH_WAYS = list(itertools.permutations(Kind, 2))
#: Those that no key is common to.
OTHER_KEYS = [(made, asked) for made, asked in BOTH_WAYS if made.is_refresh != asked.is_refresh]

HONEST = codec.sign(claims(), ACCESS, Kind.ACCESS)
HEADER, PAYLOAD, SIGNATURE = HONEST.split(".")
UNSIGNED = f"{HEADER}.{PAYLOAD}"


def refusal(token: object, keys: KeySet = ACCESS_KEYS, kind: Kind = Kind.ACCESS) -> Reason:
    with pytest.raises(TokenRefused) as refused:
        codec.verify(token, keys, kind)
    return refused.value.reason


def test_the_honest_token_is_accepted() -> None:
    """What makes every refusal below mean something: `forge` differs from this by one thing."""
    forged = forge(ACCESS, claims(), header(ACCESS))

    for token in (HONEST, forged, forge(OLDER, claims(), header(OLDER))):
        assert codec.verify(token, ACCESS_KEYS, Kind.ACCESS)["sub"] == "1"


class TestOneKindForTheOther:
    @pytest.mark.parametrize(("made", "asked"), BOTH_WAYS)
    def test_as_it_is(self, made: Kind, asked: Kind) -> None:
        token = codec.sign(claims(made), KEYS[made].signing, made)

        assert refusal(token, KEYS[asked], asked) is Reason.WRONG_TYPE

    @pytest.mark.parametrize(("made", "asked"), BOTH_WAYS)
    def test_even_where_both_have_one_key(self, made: Kind, asked: Kind) -> None:
        token = codec.sign(claims(made), ACCESS, made)

        assert refusal(token, ACCESS_KEYS, asked) is Reason.WRONG_TYPE

    @pytest.mark.parametrize(("made", "asked"), BOTH_WAYS)
    def test_wrong_type_in_the_header_is_refused(self, made: Kind, asked: Kind) -> None:
        """The claim says it as well, and both are looked at."""
        key = KEYS[asked].signing
        token = forge(key, claims(made), header(key, asked))

        assert refusal(token, KEYS[asked], asked) is Reason.WRONG_TYPE

    @pytest.mark.parametrize(("made", "asked"), OTHER_KEYS)
    @pytest.mark.parametrize("claim_its_kid", [True, False])
    def test_signed_with_the_other_kinds_key(
        self, made: Kind, asked: Kind, claim_its_kid: bool
    ) -> None:
        key, wanted = KEYS[made].signing, KEYS[asked].signing
        named = wanted if claim_its_kid else key
        token = forge(key, claims(asked), header(named, asked))

        assert refusal(token, KEYS[asked], asked) is Reason.BAD_SIGNATURE

    @pytest.mark.parametrize(
        "typ", ["JWT", "jwt", "", "at+jwt ", "at+jwt\0", "aT+jwt;x=1", "it+jwt"]
    )
    def test_unknown_header_type_is_refused(self, typ: str) -> None:
        token = forge(ACCESS, claims(), header(ACCESS, typ=typ))

        assert refusal(token) is Reason.WRONG_TYPE
        with pytest.raises(TokenRefused) as refused:
            codec.kind_of(token)
        assert refused.value.reason is Reason.WRONG_TYPE

    @pytest.mark.parametrize("token_type", ["Access", "id", "", None, 1, ["access"]])
    def test_unknown_token_type_claim_is_refused(self, token_type: object) -> None:
        token = forge(ACCESS, claims(token_type=token_type), header(ACCESS))

        assert refusal(token) is Reason.WRONG_TYPE


class TestAlgorithm:
    @pytest.mark.parametrize(
        "alg", ["".join(letters) for letters in itertools.product("nN", "oO", "nN", "eE")]
    )
    @pytest.mark.parametrize("signature", ["", SIGNATURE], ids=["unsigned", "signed"])
    def test_none(self, alg: str, signature: str) -> None:
        token = f"{encoded(header(ACCESS, alg=alg))}.{encoded(claims())}.{signature}"

        assert refusal(token) is Reason.BAD_SIGNATURE

    @pytest.mark.parametrize("alg", ["none", "", "hs256", "HS384", "HS512", "RS256", "ES256", "x"])
    def test_another_than_the_keys_own(self, alg: str) -> None:
        token = forge(ACCESS, claims(), header(ACCESS, alg=alg))

        assert refusal(token) is Reason.BAD_SIGNATURE

    @pytest.mark.parametrize("alg", [None, 1, True, ["HS256"], {"HS256": 1}])
    def test_that_is_no_name(self, alg: object) -> None:
        token = forge(ACCESS, claims(), header(ACCESS, alg=alg))

        assert refusal(token) is Reason.MALFORMED

    def test_missing(self) -> None:
        token = forge(ACCESS, claims(), {"typ": "at+jwt", "kid": ACCESS.kid})

        assert refusal(token) is Reason.BAD_SIGNATURE

    @pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "ES512", "Ed25519"])
    @pytest.mark.parametrize("encoding", ["PEM", "PEM without its last newline", "DER", "JWK"])
    def test_hmac_under_a_public_key(self, alg: str, encoding: str) -> None:
        """RFC 8725 section 2.1: everybody has the public key, so everybody could sign."""
        key = key_for(alg)
        keys = KeySet(public_half(key))
        assert codec.verify(codec.sign(claims(), key, Kind.ACCESS), keys, Kind.ACCESS)
        secret = _as_a_secret(key, encoding)

        token = forge(secret, claims(), header(key, alg="HS256"))

        assert refusal(token, keys) is Reason.BAD_SIGNATURE

    def test_rsa_with_another_padding(self) -> None:
        """The same key pair under two algorithms is still bound to one of them."""
        pkcs, pss = key_for("RS256"), key_for("PS256")
        assert pkcs.kid == pss.kid

        token = codec.sign(claims(), pss, Kind.ACCESS)

        assert refusal(token, KeySet(pkcs)) is Reason.BAD_SIGNATURE


def _as_a_secret(key: Key, encoding: str) -> bytes:
    raw: Any = key.jose.raw_value
    if encoding == "JWK":
        return json.dumps(key.jose.as_dict(private=False)).encode()
    kind = Encoding.DER if encoding == "DER" else Encoding.PEM
    public: bytes = raw.public_key().public_bytes(kind, PublicFormat.SubjectPublicKeyInfo)
    return public.rstrip() if "without" in encoding else public


class TestKeyId:
    @pytest.mark.parametrize(
        "kid",
        [
            "",
            "unknown",
            ACCESS.kid.swapcase(),
            ACCESS.kid + " ",
            REFRESH.kid,
            OLDER.kid,
            "../../../../../../dev/null",
            "/proc/self/environ",
            "' OR '1'='1",
            "x' UNION SELECT 'secret';--",
            "http://127.0.0.1:1/key",
            "\0",
            "\ud800",
            "ключ",
        ],
        ids=repr,
    )
    def test_changed(self, kid: str) -> None:
        token = forge(ACCESS, claims(), header(ACCESS, kid=kid))

        assert refusal(token) is Reason.BAD_SIGNATURE

    def test_missing(self) -> None:
        token = forge(ACCESS, claims(), {"alg": "HS256", "typ": "at+jwt"})

        assert refusal(token) is Reason.BAD_SIGNATURE

    @pytest.mark.parametrize("kid", [None, 0, True, 1.5, [ACCESS.kid], {ACCESS.kid: 1}])
    def test_that_is_no_string(self, kid: object) -> None:
        token = forge(ACCESS, claims(), header(ACCESS, kid=kid))

        assert refusal(token) is Reason.MALFORMED


@pytest.mark.parametrize(
    "more",
    [
        {"jwk": {"kty": "oct", "k": encoded(ACCESS.jose.raw_value)}},
        {"jwk": key_for("ES256").public_jwk()},
        {"jku": "https://attacker.example/jwks.json"},
        {"x5u": "https://attacker.example/cert.pem"},
        {"x5c": ["MIIB"]},
        {"x5t": "x"},
        {"x5t#S256": "x"},
        {"crit": []},
        {"crit": ["exp"], "exp": 1},
        {"b64": False, "crit": ["b64"]},
        {"b64": True},
        {"zip": "DEF"},
        {"cty": "JWT"},
        {"enc": "A128GCM"},
        {"exp": 1},
        {"nonce": "x"},
        {"Alg": "none"},
        {"": ""},
    ],
    ids=" and ".join,
)
def test_a_header_that_asks_for_more(more: dict[str, Any]) -> None:
    """Refused for asking, although the signature is right."""
    token = forge(ACCESS, claims(), header(ACCESS, **more))

    assert refusal(token) is Reason.MALFORMED


SEGMENTS = {
    "no signature": (f"{UNSIGNED}.", Reason.BAD_SIGNATURE),
    "no third segment": (UNSIGNED, Reason.MALFORMED),
    "no payload": (f"{HEADER}..{SIGNATURE}", Reason.BAD_SIGNATURE),
    "no header": (f".{PAYLOAD}.{SIGNATURE}", Reason.MALFORMED),
    "header alone": (HEADER, Reason.MALFORMED),
    "header and dots": (f"{HEADER}..", Reason.BAD_SIGNATURE),
    "a fourth segment": (f"{HONEST}.x", Reason.MALFORMED),
    "a dot at the end": (f"{HONEST}.", Reason.MALFORMED),
    "a dot at the start": (f".{HONEST}", Reason.MALFORMED),
    "a signature cut short": (HONEST[:-4], Reason.BAD_SIGNATURE),
    "a signature made longer": (f"{HONEST}AAAA", Reason.BAD_SIGNATURE),
    "a signature of zeros": (f"{UNSIGNED}.{encoded(bytes(32))}", Reason.BAD_SIGNATURE),
    "a signature of a kilobyte": (f"{UNSIGNED}.{'A' * 1400}", Reason.BAD_SIGNATURE),
    "another payload": (f"{HEADER}.{encoded(claims(sub='2'))}.{SIGNATURE}", Reason.BAD_SIGNATURE),
    "spare bits in the signature": (
        f"{UNSIGNED}.{with_spare_bits(SIGNATURE)}",
        Reason.BAD_SIGNATURE,
    ),
    "padding after the signature": (f"{HONEST}=", Reason.BAD_SIGNATURE),
    "a plus in the signature": (f"{UNSIGNED}.+{SIGNATURE[1:]}", Reason.BAD_SIGNATURE),
    "a space after it": (f"{HONEST} ", Reason.BAD_SIGNATURE),
    "a newline after it": (f"{HONEST}\n", Reason.BAD_SIGNATURE),
    "a newline within": (f"{UNSIGNED}.{SIGNATURE[:9]}\n{SIGNATURE[9:]}", Reason.BAD_SIGNATURE),
    "a space before it": (f" {HONEST}", Reason.MALFORMED),
    "padding after the header": (f"{HEADER}=.{PAYLOAD}.{SIGNATURE}", Reason.MALFORMED),
}


@pytest.mark.parametrize(("token", "reason"), SEGMENTS.values(), ids=SEGMENTS)
def test_segments(token: str, reason: Reason) -> None:
    assert refusal(token) is reason


SPELLINGS: dict[str, tuple[Callable[[str], str], int]] = {
    "padding": (lambda segment: f"{segment}==", 1),
    "half the padding": (lambda segment: f"{segment}=", 1),
    "spare bits": (with_spare_bits, 1),
    "fewer spare bits": (with_spare_bits, 2),
    "a character alone": (lambda segment: f"{segment}A", 0),
    "a newline": (lambda segment: f"{segment[:8]}\n{segment[8:]}", 1),
    "a character of no alphabet": (lambda segment: f"{segment[:8]}!{segment[8:]}", 1),
    "a space": (lambda segment: f" {segment}", 1),
}


@pytest.mark.parametrize("which", ["header", "payload"])
@pytest.mark.parametrize(("spell", "over"), SPELLINGS.values(), ids=SPELLINGS)
def test_a_segment_spelled_otherwise(which: str, spell: Callable[[str], str], over: int) -> None:
    """Signed as it is spelled, by the right key: one token has one spelling all the same."""
    segments = {"header": encoded(header(ACCESS)), "payload": encoded(claims())}
    raw = decoded(segments[which])
    raw += b" " * ((over - len(raw)) % 3)
    secret = ACCESS.jose.raw_value

    straight = signed(secret, ".".join((segments | {which: encoded(raw)}).values()))
    crooked = signed(secret, ".".join((segments | {which: spell(encoded(raw))}).values()))

    assert codec.verify(straight, ACCESS_KEYS, Kind.ACCESS)["sub"] == "1"
    assert refusal(crooked) is Reason.MALFORMED
    if which == "header":
        with pytest.raises(TokenRefused):
            codec.kind_of(crooked)
