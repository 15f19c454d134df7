"""The examples in the appendices of RFC 7515 and RFC 8037, to the byte.

Their headers carry no ``typ`` and no ``kid``, so none of them is a token of ours and `codec.verify`
has to refuse them all. What they show is that the signatures under our tokens are the standards'.
"""

import json
from base64 import urlsafe_b64decode

import pytest
from joserfc import jwk

from ratchet_tokens import codec
from ratchet_tokens.claims import Kind
from ratchet_tokens.errors import Reason, TokenRefused
from ratchet_tokens.keys import Key, KeySet
from token_tests.forge import decoded, encoded

pytestmark = pytest.mark.any_database

JOE = b'{"iss":"joe",\r\n "exp":1300819380,\r\n "http://example.com/is_root":true}'
JOE_SEGMENT = (
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
)

HS256_KEY = {
    "kty": "oct",
    "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
}
RS256_KEY = {
    "kty": "RSA",
    "n": (
        "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp"
        "-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOW"
        "vG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUs"
        "LA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9k"
        "G4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2"
        "PAcDTW9gb54h4FRWyuXpoQ"
    ),
    "e": "AQAB",
}
ES256_KEY = {
    "kty": "EC",
    "crv": "P-256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
}
ES512_KEY = {
    "kty": "EC",
    "crv": "P-521",
    "x": "AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk",
    "y": "ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2",
}
ED25519_KEY = {
    "kty": "OKP",
    "crv": "Ed25519",
    "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
    "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
}

# name: (algorithm, key, token, payload)
VECTORS: dict[str, tuple[str, dict[str, str], str, bytes]] = {
    "RFC 7515 A.1, HS256": (
        "HS256",
        HS256_KEY,
        f"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.{JOE_SEGMENT}."
        "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
        JOE,
    ),
    "RFC 7515 A.2, RS256": (
        "RS256",
        RS256_KEY,
        f"eyJhbGciOiJSUzI1NiJ9.{JOE_SEGMENT}."
        "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7"
        "AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4"
        "BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K"
        "0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqv"
        "hJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrB"
        "p0igcN_IoypGlUPQGe77Rw",
        JOE,
    ),
    "RFC 7515 A.3, ES256": (
        "ES256",
        ES256_KEY,
        f"eyJhbGciOiJFUzI1NiJ9.{JOE_SEGMENT}."
        "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSA"
        "pmWQxfKTUJqPP3-Kg6NU1Q",
        JOE,
    ),
    "RFC 7515 A.4, ES512": (
        "ES512",
        ES512_KEY,
        "eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA."
        "AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZq"
        "wqT2SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8Kp"
        "EHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn",
        b"Payload",
    ),
    # Its header says EdDSA, the name that RFC 9864 has since split into Ed25519 and Ed448.
    "RFC 8037 A.4 and A.5, Ed25519": (
        "Ed25519",
        ED25519_KEY,
        "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5B"
        "hVsPt9g7sVvpAr_MuM0KAg",
        b"Example of Ed25519 signing",
    ),
}
EACH = pytest.mark.parametrize(
    ("alg", "jwk_of_it", "token", "payload"), VECTORS.values(), ids=VECTORS
)


def vector_key(alg: str, jwk_of_it: dict[str, str]) -> Key:
    return Key(jwk.import_key(jwk_of_it), alg, kid="of the appendix")


def is_good(key: Key, signing_input: str, signature: bytes) -> bool:
    """What `codec.verify` asks of a key, without a header in between."""
    return key.verify(signing_input.encode(), signature)


@EACH
def test_signature(alg: str, jwk_of_it: dict[str, str], token: str, payload: bytes) -> None:
    signing_input, _, signature = token.rpartition(".")
    key = vector_key(alg, jwk_of_it)

    assert decoded(signing_input.partition(".")[2]) == payload
    assert is_good(key, signing_input, decoded(signature))


@EACH
def test_one_bit_of_it_changed(
    alg: str, jwk_of_it: dict[str, str], token: str, payload: bytes
) -> None:
    signing_input, _, signature = token.rpartition(".")
    key, right = vector_key(alg, jwk_of_it), decoded(signature)

    for place in range(len(right)):
        wrong = bytearray(right)
        wrong[place] ^= 1
        assert not is_good(key, signing_input, bytes(wrong))


@EACH
def test_no_token_of_ours(alg: str, jwk_of_it: dict[str, str], token: str, payload: bytes) -> None:
    for kind in Kind:
        with pytest.raises(TokenRefused) as refused:
            codec.verify(token, KeySet(vector_key(alg, jwk_of_it)), kind)
        assert refused.value.reason is Reason.WRONG_TYPE


@pytest.mark.parametrize("name", ["RFC 7515 A.1, HS256", "RFC 8037 A.4 and A.5, Ed25519"])
def test_signing_gives_the_same_bytes(name: str) -> None:
    """HMAC and Ed25519 are deterministic; the others draw a random number each time."""
    alg, jwk_of_it, token, _ = VECTORS[name]
    signing_input, _, signature = token.rpartition(".")
    key = vector_key(alg, jwk_of_it)

    assert key.sign(signing_input.encode()) == decoded(signature)


def test_rfc_8037_a2_and_a3() -> None:
    """The published half of the key, and the thumbprint that is its kid."""
    key = Key(jwk.import_key(ED25519_KEY), "Ed25519")

    published = key.public_jwk()

    assert published["x"] == ED25519_KEY["x"]
    assert "d" not in published
    assert published["kid"] == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


UNSECURED = f"eyJhbGciOiJub25lIn0.{JOE_SEGMENT}."
OTHER_FORMS = {
    "RFC 7515 A.5, unsecured": UNSECURED,
    "RFC 7515 A.6, general JSON": json.dumps(
        {
            "payload": JOE_SEGMENT,
            "signatures": [
                {"protected": "eyJhbGciOiJFUzI1NiJ9", "signature": "DtEhU3ljbEg8L38VWA"}
            ],
        }
    ),
    "RFC 7515 A.7, flattened JSON": json.dumps(
        {
            "payload": JOE_SEGMENT,
            "protected": "eyJhbGciOiJFUzI1NiJ9",
            "signature": "DtEhU3ljbEg8L38VWA",
        }
    ),
    "RFC 7515 E, an unknown critical extension": (
        encoded({"alg": "none", "crit": ["http://example.com/UNDEFINED"]}) + ".RkFJTA."
    ),
}


@pytest.mark.parametrize("token", OTHER_FORMS.values(), ids=OTHER_FORMS)
def test_a_form_that_is_never_accepted(token: str) -> None:
    key = Key(jwk.OctKey.import_key(urlsafe_b64decode(HS256_KEY["k"] + "==")), "HS256", kid="none")

    for kind in Kind:
        with pytest.raises(TokenRefused):
            codec.verify(token, KeySet(key), kind)
