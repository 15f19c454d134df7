"""The keys that the settings give."""

import pytest
from django.test import override_settings

from drf_ratchet.keyring import keyring

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
