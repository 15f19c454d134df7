"""What a text says about a key: understood where it is meant, refused with the reason else."""

import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from joserfc import jwk
from joserfc.util import int_to_base64, urlsafe_b64encode

from ratchet_tokens.algorithms import BadKey
from ratchet_tokens.jose import _SMALL_ORDER
from ratchet_tokens.key_files import KeyFiles
from ratchet_tokens.key_texts import from_jwk, read_keys
from ratchet_tokens.ml_dsa import AKPKey
from token_tests.forge import key_for

pytestmark = pytest.mark.any_database


def pem(private: Any, form: PrivateFormat = PrivateFormat.PKCS8) -> str:
    raw: bytes = private.private_bytes(Encoding.PEM, form, NoEncryption())
    return raw.decode()


def number(text: str) -> int:
    return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


EC = ec.generate_private_key(ec.SECP256R1())
BROKEN = "it is damaged, or its parts do not match"
PEM = pem(EC)
KID = read_keys(PEM)[0].kid
OKP, OTHER_OKP = (jwk.OKPKey.generate_key("Ed25519").as_dict(private=True) for _ in range(2))
P256, OTHER_P256 = (jwk.ECKey.generate_key("P-256").as_dict(private=True) for _ in range(2))
RSA, OTHER_RSA = (jwk.RSAKey.generate_key(2048).as_dict(private=True) for _ in range(2))
OCT: dict[str, Any] = {**jwk.OctKey.generate_key(256).as_dict(private=True), "kid": "k"}
AKP = AKPKey.generate_key("ML-DSA-44").as_dict(private=True)


def public(members: dict[str, Any], **changes: Any) -> dict[str, Any]:
    shown = ("kty", "crv", "x", "y", "n", "e", "alg", "pub")
    return {**{name: members[name] for name in shown if name in members}, **changes}


class TestUnderstood:
    """What settings, shells and editors put around a key."""

    PEMS = {
        "quoted": f'"{PEM}"',
        "quoted by the shell": f"'{PEM}'",
        "quoted by JavaScript": f"`{PEM}`",
        "quoted twice": f"'\"{PEM}\"'",
        "escaped": PEM.replace("\n", "\\n"),
        "escaped on Windows": PEM.replace("\n", "\\r\\n"),
        "escaped twice": PEM.replace("\n", "\\\\n"),
        "continued lines": PEM.replace("\n", "\\\n"),
        "a JSON string": json.dumps(PEM),
        "a JSON string of a JSON string": json.dumps(json.dumps(PEM)),
        "byte order mark": f"\ufeff{PEM}",
        "byte order mark and quotes": f"\ufeff'{PEM}'",
        "space around": f"\n\n  {PEM}  \n",
        "indented": PEM.replace("\n", "\n    "),
        "of Windows": PEM.replace("\n", "\r\n"),
        "of an old Macintosh": PEM.replace("\n", "\r"),
        "on one line": PEM.replace("\n", " "),
        "without line breaks": PEM.replace("\n", ""),
        "garbage after it": f"{PEM}garbage",
        "a variable before it": f"export JWT_KEY={PEM}",
        "OpenSSL's parameters before it": "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n"
        f"-----END EC PARAMETERS-----\n{PEM}",
        "OpenSSL's older form": pem(EC, PrivateFormat.TraditionalOpenSSL),
    }
    JWKS = {
        "quoted": f"'{json.dumps(P256)}'",
        "a JSON string": json.dumps(json.dumps(P256)),
        "escaped": json.dumps(P256).replace('"', '\\"'),
        "byte order mark": f"\ufeff{json.dumps(P256)}\n",
        "a set": json.dumps({"keys": [P256]}),
    }

    @pytest.mark.parametrize("text", PEMS.values(), ids=PEMS)
    def test_pem(self, text: str, tmp_path: Path) -> None:
        (tmp_path / "key.pem").write_bytes(text.encode())

        of_text = KeyFiles([text]).current().signing
        of_file = KeyFiles([tmp_path / "key.pem"]).current().signing

        assert of_text.kid == of_file.kid == KID
        assert of_text.can_sign

    @pytest.mark.parametrize("text", JWKS.values(), ids=JWKS)
    def test_jwk(self, text: str) -> None:
        assert KeyFiles([text]).current().signing.kid == from_jwk(P256).kid

    def test_a_jwk_set_that_was_parsed(self) -> None:
        keys = KeyFiles([{"keys": [P256, OKP]}]).current()

        assert {key.alg for key in keys} == {"ES256", "Ed25519"}

    @pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
    def test_files_of_windows(self, tmp_path: Path, encoding: str) -> None:
        """PowerShell's > writes UTF-16."""
        mark = "\ufeff" if encoding.endswith("e") else ""
        (tmp_path / "key.pem").write_bytes((mark + PEM.replace("\n", "\r\n")).encode(encoding))

        assert KeyFiles([tmp_path]).current().signing.kid == KID

    def test_a_jwk_with_a_backslash_in_it(self) -> None:
        text = json.dumps({**P256, "kid": "a\\nb", "note": "-----BEGIN"})

        assert read_keys(text)[0].kid == "a\\nb"

    def test_how_a_number_is_spelled_does_not_matter(self) -> None:
        """RFC 7638: the thumbprint is made of the usual spelling, whatever a library wrote."""
        spelled = {**public(RSA), "n": urlsafe_b64encode(b"\0" + number(RSA["n"]).to_bytes(256))}
        spelled["n"] = spelled["n"].decode()

        key = from_jwk(spelled)

        assert key.kid == from_jwk(RSA).kid
        assert key.public_jwk()["n"] == RSA["n"]


class TestRefused:
    CURVES = {
        "secp256k1": ec.SECP256K1(),
        "P-224": ec.SECP224R1(),
        "brainpool": ec.BrainpoolP256R1(),
    }
    WRONG: dict[str, tuple[str, str]] = {
        "base64 of PEM": (b64(PEM.encode()), "key encoded in base64. Decode it first"),
        "base64 of a JWK": (
            b64(json.dumps(P256).encode()),
            "key encoded in base64. Decode it first",
        ),
        "PEM without its lines": (
            "".join(PEM.split("\n")[1:-2]),
            "without its BEGIN and END",
        ),
        "a JSON array": (json.dumps([P256]), "it is a JSON array. Write a JWK Set"),
        "an empty set": ('{"keys": []}', "not an array, or is empty"),
        "a set with a bad one": (
            json.dumps({"keys": [P256, {**OKP, "x": OTHER_OKP["x"]}]}),
            r"keys\[1\] of its JWK Set: its x does not match its private key",
        ),
        "cut off": (PEM[:70], "its -----END line is missing"),
        "two at once": (PEM + PEM, "it contains several PEM blocks"),
        "OpenSSH": (pem(ed25519.Ed25519PrivateKey.generate(), PrivateFormat.OpenSSH), "ssh-keygen"),
        "OpenSSH's public key": ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA a@b", "OpenSSH public key"),
        "another label": (
            PEM.replace("PRIVATE KEY", "DSA PRIVATE KEY"),
            "its PEM label is neither",
        ),
        "damaged": ("\n".join([PEM.split("\n")[0], *PEM.split("\n")[2:]]), BROKEN),
        **{
            name: (
                pem(ec.generate_private_key(curve)),
                "its curve is not one of P-256, P-384, P-521",
            )
            for name, curve in CURVES.items()
        },
        "a short RSA key": (pem(rsa.generate_private_key(65537, 1024)), "at least 2048 bits"),
        "an RSA key with a small exponent": (
            pem(rsa.generate_private_key(3, 2048)),
            "exponent of this RSA key is even, below 65537",
        ),
        "nothing": ("", "neither a JWK, nor a JWK Set, nor a PEM key"),
    }

    @pytest.mark.parametrize(("text", "why"), WRONG.values(), ids=WRONG)
    def test_text(self, text: str, why: str) -> None:
        with pytest.raises(BadKey, match=why) as refused:
            read_keys(text, "KEYS[0]")

        assert str(refused.value).startswith("KEYS[0] ")
        assert refused.value.__context__ is None, "an error of json holds the text"

    def test_a_certificate(self) -> None:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a")])
        now = datetime.now(UTC)
        made = x509.CertificateBuilder(
            name, name, EC.public_key(), 1, now, now + timedelta(days=1)
        ).sign(EC, SHA256())
        with pytest.raises(BadKey, match="it is a certificate"):
            read_keys(made.public_bytes(Encoding.PEM).decode())

    def test_der(self, tmp_path: Path) -> None:
        (tmp_path / "key.pem").write_bytes(
            EC.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        )
        with pytest.raises(BadKey, match="To convert DER: openssl pkey -inform DER"):
            KeyFiles([tmp_path])


#: The order of P-256's group (FIPS 186-5).
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
PRIME = 2**255 - 19  # of Ed25519 (RFC 8032)


def ed25519_public(y: int) -> dict[str, Any]:
    return public(OKP, x=urlsafe_b64encode(y.to_bytes(32, "little")).decode())


class TestJwkThatContradictsItself:
    CASES: dict[str, tuple[Any, str]] = {
        "Ed25519, another x": ({**OKP, "x": OTHER_OKP["x"]}, "its x does not match its private"),
        "Ed25519, a short x": ({**OKP, "x": OKP["x"][:-3]}, "its x does not have 32 bytes"),
        "Ed25519, no x": ({name: OKP[name] for name in ("kty", "crv", "d")}, "its x is missing"),
        "Ed25519, an empty d": ({**OKP, "d": ""}, "its d is not a string, or is empty"),
        "Ed25519, a long d": ({**OKP, "d": OKP["d"] + "AAAA"}, BROKEN),
        "Ed25519, d of another curve": ({**OKP, "crv": "X25519"}, "its crv is not one of Ed25519"),
        "P-256, another point": (
            {**P256, "x": OTHER_P256["x"], "y": OTHER_P256["y"]},
            BROKEN,
        ),
        "P-256, half of another point": (public(P256, x=OTHER_P256["x"]), BROKEN),
        "P-256, no point": (public(P256, y="AA"), BROKEN),
        "P-256, the point's negative": (
            {
                **P256,
                "y": int_to_base64(2**256 - 2**224 + 2**192 + 2**96 - 1 - number(P256["y"]), 32),
            },
            BROKEN,
        ),
        "P-256, d of zero": ({**P256, "d": int_to_base64(0, 32)}, BROKEN),
        "P-256, d beyond the order": (
            {**P256, "d": int_to_base64(number(P256["d"]) + ORDER, 33)},
            BROKEN,
        ),
        "P-256 that says P-384": ({**P256, "crv": "P-384"}, BROKEN),
        "a curve that signs nothing": ({**P256, "crv": "secp256k1"}, "its crv is not one of P-256"),
        "a curve that is not a string": ({**P256, "crv": ["P-256"]}, "its crv is not one of P-256"),
        **{
            f"RSA, another {name}": ({**RSA, name: OTHER_RSA[name]}, BROKEN)
            for name in ("n", "d", "p", "q", "dp", "dq", "qi")
        },
        "RSA, another n for the primes": (
            {**RSA, **{name: OTHER_RSA[name] for name in ("p", "q", "dp", "dq", "qi")}},
            BROKEN,
        ),
        "RSA, another d alone": ({**public(RSA), "d": OTHER_RSA["d"]}, BROKEN),
        "RSA, without one prime": (
            {name: value for name, value in RSA.items() if name != "q"},
            BROKEN,
        ),
        "RSA, more primes": ({**RSA, "oth": [{"r": "AQ"}]}, "more than two prime factors"),
        "RSA, an even modulus": (
            public(RSA, n=int_to_base64(number(RSA["n"]) - 1)),
            "The modulus of this RSA key is even",
        ),
        **{
            f"RSA, the exponent {exponent}": (
                public(RSA, e=int_to_base64(exponent) or "AA"),
                "The exponent of this RSA key",
            )
            for exponent in (0, 1, 2, 3, 17, 65535, 65538, 2**31 + 11, 2**64 + 1, 2**2047 + 1)
        },
        "RSA, short": (public(RSA, n=int_to_base64(number(RSA["n"]) >> 1 | 1)), "at least 2048"),
        "RSA, long": (public(RSA, n=int_to_base64(number(RSA["n"]) << 15000 | 1)), "at most 16384"),
        "k in standard base64": (
            {**OCT, "k": b64(b"\xff\xfe" * 20)},
            "its k is base64 instead of base64url .*Write - for \\+, _ for / and no =",
        ),
        "k with padding": ({**OCT, "k": b64(b"k" * 40)}, "no = at the end"),
        "k in no base64": ({**OCT, "k": "a k" * 20}, "its k is not base64url"),
        "k cut off": ({**OCT, "k": "A" * 45}, "its k is not base64url"),
        "k as a number": ({**OCT, "k": 12345}, "its k is not a string"),
        "k too short": ({**OCT, "k": "AAAA"}, "HS256 needs a key of at least 256 bits"),
        "k too short for its alg": ({**OCT, "alg": "HS512"}, "HS512 needs a key of at least 512"),
        "k in the kid": ({**OCT, "kid": OCT["k"]}, "its kid is the key itself"),
        "ML-DSA, another pub": (
            {**AKP, "pub": AKPKey.generate_key("ML-DSA-44").as_dict()["pub"]},
            "Its pub is not the public half of its priv",
        ),
        "ML-DSA, an empty priv": ({**AKP, "priv": ""}, "its priv is not a string, or is empty"),
        "ML-DSA, a short priv": ({**AKP, "priv": "AAAA"}, "does not have the form of ML-DSA-44"),
        "ML-DSA that says another size": ({**AKP, "alg": "ML-DSA-65"}, "the form of ML-DSA-65"),
        "for encryption": ({**OKP, "use": "enc"}, "its use is not 'sig'"),
        "for something that is not a string": ({**OKP, "use": ["sig"]}, "its use is not 'sig'"),
        "use and key_ops": (
            {**OKP, "use": "sig", "key_ops": ["encrypt"]},
            "its key_ops has duplicates, or names more than 'sign' and 'verify'",
        ),
        "key_ops twice the same": (
            {**OKP, "key_ops": ["sign", "sign"]},
            "its key_ops has duplicates",
        ),
        "key_ops without sign": ({**OKP, "key_ops": ["verify"]}, "does not have 'sign'"),
        "key_ops without verify": (public(OKP, key_ops=["sign"]), "does not have 'verify'"),
        "key_ops that is a text": (
            {**OKP, "key_ops": "sign verify"},
            "its key_ops is not an array",
        ),
        "key_ops of ML-DSA that is a number": (
            {**AKP, "key_ops": 7},
            "its key_ops is not an array",
        ),
        "another kind's alg": ({**OKP, "alg": "ES256"}, "This OKP key does not fit ES256"),
        "no alg": ({**OKP, "alg": "none"}, "its alg is not one of HS256"),
        "an alg that is not a string": ({**OKP, "alg": ["Ed25519"]}, "its alg is not one of HS256"),
        "another kty": ({**OKP, "kty": "EC"}, "its crv is not one of P-256"),
        "no kty": ({**OKP, "kty": None}, "its kty is not one of EC, OKP, RSA, oct, AKP"),
        "a kid with a line break": ({**OKP, "kid": "a\nb"}, "its kid is not a string of 1 to 255"),
        "a long kid": ({**OKP, "kid": "k" * 256}, "its kid is not a string of 1 to 255"),
        **{
            f"{name} of {value!r:.20}": (
                {**OKP, name: value},
                f"its {name} is not a time in seconds since 1970",
            )
            for name in ("nbf", "exp")
            # Milliseconds, and what no float holds.
            for value in (1_800_000_000_000, 10**400, -1, True, "1", float("nan"), None)
        },
        "no object": (["kty"], "it is not a JSON object"),
        "nothing": ({}, "its kty is not one of"),
    }

    @pytest.mark.parametrize(("members", "why"), CASES.values(), ids=CASES)
    def test_is_refused_with_the_reason(self, members: Any, why: str) -> None:
        with pytest.raises(BadKey, match=why):
            from_jwk(members)

    @pytest.mark.parametrize("alg", ["ES256", "ES512", "Ed25519", "EdDSA", "RS256", "ML-DSA-44"])
    def test_what_is_accepted_is_what_others_verify(self, alg: str) -> None:
        signing = from_jwk({**key_for(alg).jose.as_dict(private=True), "alg": alg})

        published = from_jwk(signing.public_jwk())

        assert published.kid == signing.kid
        assert published.verify(b"x", signing.sign(b"x"))

    def test_rsa_without_its_primes(self) -> None:
        short = {name: RSA[name] for name in ("kty", "n", "e", "d")}

        assert from_jwk(RSA).verify(b"x", from_jwk(short).sign(b"x"))


class TestSmallOrder:
    @pytest.mark.parametrize("encoding", sorted(_SMALL_ORDER), ids=bytes.hex)
    @pytest.mark.parametrize("sign", [0, 0x80])
    def test_a_point_of_small_order_is_refused(self, encoding: bytes, sign: int) -> None:
        point = encoding[:-1] + bytes([encoding[-1] | sign])

        with pytest.raises(BadKey, match="small order"):
            from_jwk(public(OKP, x=urlsafe_b64encode(point).decode()))

    def test_anybody_can_sign_for_one(self) -> None:
        """The reason: a signature of zeros is valid for some message, without any key."""
        forged = bytes([1]) + bytes(31) + bytes(32)
        for encoding in _SMALL_ORDER:
            key = ed25519.Ed25519PublicKey.from_public_bytes(encoding)
            assert any(is_good(key, forged, b"%d" % attempt) for attempt in range(500))

    def test_these_are_all(self) -> None:
        """Computed from RFC 8032: eight points, in every encoding that has their y."""
        d = -121665 * pow(121666, -1, PRIME) % PRIME
        found = set()
        # Order 1 and 2, order 4, order 8.
        for y in {1, PRIME - 1, 0, *order_eight(d)}:
            found |= {value for value in (y, y + PRIME) if value < 2**255}
        assert {value.to_bytes(32, "little") for value in found} == _SMALL_ORDER

    def test_others_are_taken(self) -> None:
        assert from_jwk(public(OKP)).alg == "Ed25519"


def is_good(key: ed25519.Ed25519PublicKey, signature: bytes, message: bytes) -> bool:
    try:
        key.verify(signature, message)
    except InvalidSignature:
        return False
    return True


def order_eight(d: int) -> set[int]:
    """y of the points whose double has y = 0, the points of order 4.

    Doubling gives y = (y² + x²) / (2 - (y² - x²)) with a = -1, so y² = -x²; with the curve,
    -x² + y² = 1 + d x² y², that is 2 y² = 1 - d y⁴.
    """
    found = set()
    for sign in (1, -1):
        # d z² + 2 z - 1 = 0 for z = y².
        root = square_root((1 + d) % PRIME)
        if root is None:
            continue
        z = (-1 + sign * root) * pow(d, -1, PRIME) % PRIME
        y = square_root(z)
        if y is not None:
            found |= {y, PRIME - y}
    return found


def square_root(value: int) -> int | None:
    for factor in (1, pow(2, (PRIME - 1) // 4, PRIME)):
        root = pow(value, (PRIME + 3) // 8, PRIME) * factor % PRIME
        if root * root % PRIME == value % PRIME:
            return root
    return None


def test_a_message_names_the_place() -> None:
    with pytest.raises(BadKey, match=r"^KEYS\[1\] is not a readable file or a PEM/JWK key\."):
        KeyFiles([PEM, "/nowhere/at all"], ["KEYS[0]", "KEYS[1]"])
