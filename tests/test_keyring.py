"""The keys that the settings give."""

import os
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings
from django.utils.functional import SimpleLazyObject
from django.utils.text import format_lazy

from drf_ratchet.checks import check_secret_key_types
from drf_ratchet.keyring import keyring
from ratchet_tokens.keys import Key

pytestmark = pytest.mark.any_database

SECRET = "a key for the tests alone, 0123456789abcdefghijklmnop"


@pytest.mark.parametrize(
    ("fallbacks", "keys"),
    [([], 1), (["older"], 2), ([""], 1), ([SECRET], 1), ([SECRET.encode()], 1), (["a", "a"], 2)],
)
def test_fallbacks(fallbacks: list[str | bytes], keys: int) -> None:
    with override_settings(SECRET_KEY=SECRET, SECRET_KEY_FALLBACKS=fallbacks):
        ring = keyring()
    assert len(list(ring.access)) == len(list(ring.refresh)) == keys


def test_the_kinds_share_no_key() -> None:
    ring = keyring()
    assert not {key.kid for key in ring.access} & {key.kid for key in ring.refresh}


def test_what_is_no_text_makes_no_key(caplog: pytest.LogCaptureFixture) -> None:
    """The text of None can be guessed, and so can each letter of a string."""

    class Masked:
        def __str__(self) -> str:
            return "**********"

    for fallbacks, name in (
        ([None], "SECRET_KEY_FALLBACKS[0]"),
        (["older", 7], "SECRET_KEY_FALLBACKS[1]"),
        ([Masked()], "SECRET_KEY_FALLBACKS[0]"),
        ("older", "SECRET_KEY_FALLBACKS"),
        (b"older", "SECRET_KEY_FALLBACKS"),
        ({"older": 1}, "SECRET_KEY_FALLBACKS"),
        (None, "SECRET_KEY_FALLBACKS"),
    ):
        caplog.clear()
        with override_settings(SECRET_KEY=SECRET, SECRET_KEY_FALLBACKS=fallbacks):
            kids = {key.kid for key in keyring().access}
            (error,) = check_secret_key_types()
        guessed = ["None", "7", "**********", "o", "l", "d", "e", "r", str(ord("o"))]
        assert not kids & {Key.derive(guess, "access").kid for guess in guessed}
        assert Key.derive(SECRET, "access").kid in kids
        assert error.id == "ratchet.E011"
        assert error.msg.startswith(f"{name} must be ")
        assert name in caplog.text


@pytest.mark.parametrize("secret", [7, ["a"], object()])
def test_a_secret_key_that_is_no_text(secret: object) -> None:
    with override_settings(SECRET_KEY=secret):
        (error,) = check_secret_key_types()
        with pytest.raises(ImproperlyConfigured, match="SECRET_KEY must be a string or bytes"):
            keyring()
    assert error.msg == "SECRET_KEY must be a string or bytes, and not empty."


def test_the_same_secret_in_other_clothes() -> None:
    """Bytes, a value that is computed when it is needed, and one that is not UTF-8."""
    same = (
        SECRET,
        SECRET.encode(),
        SimpleLazyObject(lambda: SECRET),
        SimpleLazyObject(SECRET.encode),
        format_lazy("{}", SECRET),
    )
    kids = set()
    for secret in same:
        with override_settings(SECRET_KEY=secret, SECRET_KEY_FALLBACKS=same):
            assert check_secret_key_types() == []
            (key,) = keyring().access
            kids.add(key.kid)
    assert len(kids) == 1
    with override_settings(SECRET_KEY=os.fsdecode(b"not UTF-8: \xff")):
        assert keyring().access.signing.can_sign


@pytest.mark.parametrize("empty", ["", b"", SimpleLazyObject(lambda: "")])
def test_an_empty_secret_key(empty: Any) -> None:
    with override_settings(SECRET_KEY=empty), pytest.raises(ImproperlyConfigured):
        keyring()
