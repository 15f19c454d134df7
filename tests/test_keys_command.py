"""`manage.py ratchet keys`, the published set, and servers that do not start without keys."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client, override_settings
from rest_framework.test import APIClient

from drf_ratchet.keyring import keyring
from drf_ratchet.tokens.key_directory import new_key
from tests.conftest import PASSWORD, payload

pytestmark = pytest.mark.any_database

JWKS = "/.well-known/jwks.json"


@pytest.fixture
def keys(tmp_path: Path) -> Iterator[Path]:
    directory = tmp_path / "keys"
    new_key(directory, "Ed25519", time.time() - 60, signs_from=0)
    options = {"KEYS": directory, "ISSUER": "https://blog", "AUDIENCE": "blog", "CLIENT_ID": "web"}
    with override_settings(DRF_RATCHET=options):
        yield directory


def run(*args: str) -> str:
    out = StringIO()
    call_command("ratchet", "keys", *args, stdout=out)
    return out.getvalue()


class TestCommand:
    def test_a_rotation(self, keys: Path) -> None:
        assert "published, and signs from" in run("rotate")

        first, second = run("list").splitlines()
        assert first.startswith("signing")
        assert "verifies until" in first
        assert second.startswith("published")

    def test_at_once(self, keys: Path) -> None:
        assert "signs now" in run("new", "--at-once", "--alg", "ES256")
        assert "signing    ES256" in run("list")

    def test_retire(self, keys: Path) -> None:
        kid = keyring().access.signing.kid
        with pytest.raises(CommandError, match="No other key"):
            run("retire", kid, "--force")
        run("rotate")
        with pytest.raises(CommandError, match="--force"):
            run("retire", kid)

        assert "300 seconds" in run("retire", kid, "--force")
        assert kid not in run("list")

    def test_no_private_key_is_shown(self, keys: Path) -> None:
        said = run("rotate") + run("list")

        for file in keys.glob("*.json"):
            assert json.loads(file.read_text())["d"] not in said

    @pytest.mark.parametrize("given", [{}, {"KEYS": {"kty": "oct"}}, {"KEYS": ["a", "b"]}])
    def test_keys_that_are_elsewhere(self, given: dict[str, Any]) -> None:
        with (
            override_settings(DRF_RATCHET=given),
            pytest.raises(CommandError, match="no directory"),
        ):
            run("list")

    def test_an_empty_directory(self, tmp_path: Path) -> None:
        assert "Make one" in run("list", "--dir", str(tmp_path))

    def test_one_that_cannot_be_written_to(self, tmp_path: Path) -> None:
        (tmp_path / "keys").write_text("a file")

        with pytest.raises(CommandError):
            run("new", "--dir", str(tmp_path / "keys"))


class TestPublished:
    def test_public_and_cacheable(self, keys: Path, client: Client) -> None:
        answer = client.get(JWKS)

        (key,) = answer.json()["keys"]
        assert key == keyring().access.signing.public_jwk()
        assert "d" not in key
        assert answer["Content-Type"] == "application/jwk-set+json"
        assert answer["Cache-Control"] == "public, max-age=300"
        same = client.get(JWKS, HTTP_IF_NONE_MATCH=answer["ETag"])
        assert (same.status_code, same.content) == (304, b"")
        assert same["Cache-Control"] == "public, max-age=300"

    def test_a_new_key_is_there_before_it_signs(
        self, keys: Path, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = client.get(JWKS)
        run("rotate")
        monkeypatch.setattr("drf_ratchet.tokens.key_files.LOOK_EVERY", 0)

        after = client.get(JWKS, HTTP_IF_NONE_MATCH=before["ETag"])

        assert after.status_code == 200
        assert len(after.json()["keys"]) == 2
        assert keyring().access.signing.kid == before.json()["keys"][0]["kid"]

    def test_shared_secrets_are_not(self, tmp_path: Path, client: Client) -> None:
        new_key(tmp_path, "HS256", time.time(), signs_from=0)
        with override_settings(DRF_RATCHET={"KEYS": tmp_path}):
            assert client.get(JWKS).json() == {"keys": []}


class TestTokens:
    def test_an_access_token_of_rfc_9068(self, keys: Path, alice: User, api: APIClient) -> None:
        pair = api.post("/api/token/", {"username": "alice", "password": PASSWORD}).json()

        said = payload(pair["access"])
        needed = {"iss", "exp", "aud", "sub", "client_id", "iat", "jti"}  # RFC 9068 section 2.2
        assert needed <= said.keys()
        assert (said["iss"], said["aud"], said["client_id"]) == ("https://blog", "blog", "web")
        bearer = {"HTTP_AUTHORIZATION": f"Bearer {pair['access']}"}
        assert api.get("/api/protected/", **bearer).status_code == 200

    def test_refresh_tokens_stay_hmac(self, keys: Path, alice: User, api: APIClient) -> None:
        api.post("/api/token/", {"username": "alice", "password": PASSWORD})

        ring = keyring()
        assert ring.access.signing.alg == "Ed25519"
        assert ring.refresh.signing.alg == "HS256"
        assert not {key.kid for key in ring.access} & {key.kid for key in ring.refresh}

    def test_what_the_secret_key_signs_counts_no_more(
        self, keys: Path, alice: User, api: APIClient
    ) -> None:
        with override_settings(DRF_RATCHET={}):
            pair = api.post("/api/token/", {"username": "alice", "password": PASSWORD}).json()

        refused = api.get("/api/protected/", HTTP_AUTHORIZATION=f"Bearer {pair['access']}")
        refreshed = api.post("/api/token/refresh/", {"refresh": pair["refresh"]})

        assert refused.json()["reason"] == "bad_signature"
        assert refreshed.status_code == 200, "clients refresh, and go on"


SETTINGS = """
from config.settings import *
DRF_RATCHET = {"KEYS": %r}
"""


@pytest.mark.parametrize("program", [["-m", "gunicorn", "--check-config", "config.wsgi"], ["-c"]])
def test_a_server_does_not_start_without_keys(tmp_path: Path, program: list[str]) -> None:
    (tmp_path / "without_keys.py").write_text(SETTINGS % str(tmp_path / "keys"))
    if program == ["-c"]:
        program = ["-c", "import django; django.setup()"]
    done = subprocess.run(
        [sys.executable, *program],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(tmp_path), *filter(None, sys.path)]),
            "DJANGO_SETTINGS_MODULE": "without_keys",
            "SECRET_KEY": "for this test alone",
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode != 0
    assert "ratchet keys new" in done.stderr
