"""Documents: what was signed as one type is good as that type alone."""

import json
import time
from typing import Any

import pytest

from ratchet_tokens import codec
from ratchet_tokens.algorithms import ALGORITHMS, HMAC_BYTES
from ratchet_tokens.claims import Kind
from ratchet_tokens.documents import (
    ENDED_SESSIONS,
    MAX_LENGTH,
    sign_document,
    verify_document,
)
from ratchet_tokens.errors import Reason, TokenRefused
from ratchet_tokens.keys import KeySet
from token_tests.forge import claims, decoded, encoded, key_for, public_half

pytestmark = pytest.mark.any_database

KEY = key_for("ES256")
KEYS = KeySet(public_half(KEY))
SAID: dict[str, Any] = {"iat": 1_800_000_000, "sessions": ["a"], "cut_offs": [["", "b"]]}


def refusal(text: object, keys: KeySet = KEYS, typ: str = ENDED_SESSIONS) -> Reason:
    with pytest.raises(TokenRefused) as refused:
        verify_document(text, keys, typ)
    return refused.value.reason


@pytest.mark.parametrize("alg", sorted(set(ALGORITHMS) - set(HMAC_BYTES)))
def test_what_was_signed_is_what_is_read(alg: str) -> None:
    key = key_for(alg)

    document = sign_document(SAID, key, ENDED_SESSIONS)

    assert verify_document(document, KeySet(public_half(key)), ENDED_SESSIONS) == SAID
    header = json.loads(decoded(document.partition(".")[0]))
    assert header == {"alg": alg, "typ": "ended-sessions+jwt", "kid": key.kid}


def test_longer_than_any_token() -> None:
    said = {"sessions": ["x" * codec.MAX_LENGTH]}

    assert verify_document(sign_document(said, KEY, ENDED_SESSIONS), KEYS, ENDED_SESSIONS) == said


def test_document_too_long_is_refused() -> None:
    with pytest.raises(ValueError, match="more than 1000000"):
        sign_document({"sessions": ["x" * MAX_LENGTH]}, KEY, ENDED_SESSIONS)
    long = codec.seal({"sessions": ["x" * MAX_LENGTH]}, KEY, ENDED_SESSIONS)
    assert refusal(long) is Reason.MALFORMED


def test_it_has_no_times_that_anybody_checks() -> None:
    assert verify_document(sign_document({}, KEY, ENDED_SESSIONS), KEYS, ENDED_SESSIONS) == {}


@pytest.mark.parametrize("kind", list(Kind))
def test_a_token_is_no_document(kind: Kind) -> None:
    assert refusal(codec.sign(claims(kind), KEY, kind)) is Reason.WRONG_TYPE


@pytest.mark.parametrize("kind", list(Kind))
def test_a_document_is_no_token(kind: Kind) -> None:
    """Also not with claims that would make a good one."""
    document = sign_document({**claims(kind), "exp": time.time() + 60}, KEY, ENDED_SESSIONS)

    with pytest.raises(TokenRefused) as refused:
        codec.verify(document, KEYS, kind)
    assert refused.value.reason is Reason.WRONG_TYPE


def test_another_type() -> None:
    assert refusal(sign_document(SAID, KEY, "logout+jwt")) is Reason.WRONG_TYPE


def test_another_key() -> None:
    assert refusal(sign_document(SAID, key_for("ES384"), ENDED_SESSIONS)) is Reason.BAD_SIGNATURE


def test_changed_on_the_way() -> None:
    header, _, signature = sign_document(SAID, KEY, ENDED_SESSIONS).split(".")

    changed = f"{header}.{encoded({**SAID, 'sessions': []})}.{signature}"

    assert refusal(changed) is Reason.BAD_SIGNATURE


def test_a_header_that_asks_for_more() -> None:
    _, payload, signature = sign_document(SAID, KEY, ENDED_SESSIONS).split(".")
    header = {"alg": "ES256", "typ": ENDED_SESSIONS, "kid": KEY.kid, "jku": "https://evil.example"}

    assert refusal(f"{encoded(header)}.{payload}.{signature}") is Reason.MALFORMED


@pytest.mark.parametrize("text", [None, b"a.b.c", 7, "", "a", "a.b", "a.b.c", "é.b.c", "..", "{}"])
def test_rubbish(text: object) -> None:
    assert refusal(text) is Reason.MALFORMED


def test_a_key_without_a_private_half_signs_nothing() -> None:
    with pytest.raises(ValueError, match="no private half"):
        sign_document(SAID, public_half(KEY), ENDED_SESSIONS)
