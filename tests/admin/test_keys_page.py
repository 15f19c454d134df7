"""The keys in the admin: which there are and what each does, and no key."""

import time
from pathlib import Path
from typing import Any

import pytest
from django.test import Client, override_settings

from drf_ratchet.admin.keys_page import PUBLISHED, SIGNING, VERIFYING, rows
from drf_ratchet.keyring import keyring
from ratchet_tokens.key_directory import new_key
from tests.admin.conftest import SESSIONS

pytestmark = pytest.mark.django_db


def test_derived_keys(admin: Client, settings: Any) -> None:
    page = admin.get(f"{SESSIONS}keys/").content.decode()

    for keys in (keyring().access, keyring().refresh):
        assert keys.signing.kid in page
        assert keys.signing.jose.raw_value.hex() not in page
    assert "HS256" in page
    assert settings.SECRET_KEY not in page
    assert f'href="{SESSIONS}keys/"' in admin.get(SESSIONS).content.decode()


def test_a_directory_of_keys(admin: Client, tmp_path: Path) -> None:
    now = time.time()
    old = new_key(tmp_path, "ES256", now - 60, signs_from=now - 60)
    current = new_key(tmp_path, "Ed25519", now - 30, signs_from=now - 30)
    coming = new_key(tmp_path, "Ed25519", now, signs_from=now + 600)

    with override_settings(DRF_RATCHET={"KEYS": tmp_path}):
        shown = {row.kid: row for row in rows(keyring().access, now)}
        page = admin.get(f"{SESSIONS}keys/").content.decode()

    states = {old: VERIFYING, current: SIGNING, coming: PUBLISHED}
    assert {one.key.kid: state for one, state in states.items()} == {
        kid: row.state for kid, row in shown.items()
    }
    assert all(row.is_published for row in shown.values())
    for one in states:
        assert one.key.kid in page
        assert one.key.jose.as_dict(private=True)["d"] not in page
    assert str(tmp_path) not in page


def test_keys_that_cannot_be_used(admin: Client, tmp_path: Path) -> None:
    with override_settings(DRF_RATCHET={"KEYS": tmp_path / "none"}):
        page = admin.get(f"{SESSIONS}keys/").content.decode()
    assert "The keys are not usable." in page
    assert str(tmp_path) not in page
