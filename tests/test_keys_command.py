"""`manage.py ratchet keys`, the published set, and servers that do not start without keys."""

import base64
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
from ratchet_tokens.key_directory import new_key
from tests.fixtures import PASSWORD, payload

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

        assert "300 more seconds" in run("retire", kid, "--force")
        assert kid not in run("list")

    def test_no_private_key_is_shown(self, keys: Path) -> None:
        said = run("rotate") + run("list")

        for file in keys.glob("*.json"):
            assert json.loads(file.read_text())["d"] not in said

    @pytest.mark.parametrize("given", [{}, {"KEYS": {"kty": "oct"}}, {"KEYS": ["a", "b"]}])
    def test_keys_that_are_elsewhere(self, given: dict[str, Any]) -> None:
        with (
            override_settings(DRF_RATCHET=given),
            pytest.raises(CommandError, match="not a directory"),
        ):
            run("list")

    @pytest.mark.parametrize(
        "keys", ["keys", "relative/keys", "a-secret-of-32-characters-at-least"]
    )
    def test_a_name_that_may_be_a_key_makes_no_directory(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keys: str
    ) -> None:
        monkeypatch.chdir(tmp_path)
        for source in (keys, Path(f"{keys}-a-secret-of-32-characters-at-least")):
            with (
                override_settings(DRF_RATCHET={"KEYS": source}),
                pytest.raises(CommandError, match=r"not a directory\. Set it to the absolute path"),
            ):
                run("new")
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("as_text", [True, False])
    def test_the_first_key_makes_the_directory(self, tmp_path: Path, as_text: bool) -> None:
        place = tmp_path / "signing-keys"
        with override_settings(DRF_RATCHET={"KEYS": str(place) if as_text else place}):
            assert "signs now" in run("new")
            assert keyring().access.signing.can_sign

    def test_a_directory_that_others_can_change(self, keys: Path) -> None:
        keys.chmod(0o777)

        *_, warning = run("rotate").splitlines()
        assert warning.startswith(f"Warning: {keys} can be changed by other users")

    def test_an_empty_directory(self, tmp_path: Path) -> None:
        assert "Create one" in run("list", "--dir", str(tmp_path))

    def test_one_that_cannot_be_written_to(self, tmp_path: Path) -> None:
        (tmp_path / "keys").write_text("a file")

        with pytest.raises(CommandError):
            run("new", "--dir", str(tmp_path / "keys"))


class TestNoTraceback:
    """What cannot be done is said in one line, with what to do."""

    @pytest.mark.parametrize(
        "directory",
        ["{tmp}/file", "{tmp}/file/keys", "/proc/keys", "/dev/null", "{tmp}/" + "x" * 300, "a\0b"],
    )
    @pytest.mark.parametrize("task", [["new"], ["list"], ["rotate"], ["retire", "kid"]])
    def test_where_no_directory_can_be(
        self, tmp_path: Path, directory: str, task: list[str]
    ) -> None:
        (tmp_path / "file").write_text("a file")

        with pytest.raises(CommandError, match=r"--dir|keys new"):
            run(*task, "--dir", directory.format(tmp=tmp_path))

    @pytest.mark.parametrize("raw", [b"\xff\xfe\x00", b"\x80", b"", b"{", b"\x30\x82\x01"])
    @pytest.mark.parametrize("task", [["new"], ["list"], ["rotate"], ["retire", "kid"]])
    def test_a_file_that_is_no_key(self, keys: Path, raw: bytes, task: list[str]) -> None:
        (keys / "odd.json").write_bytes(raw)

        with pytest.raises(CommandError, match=r"odd\.json contains no usable key"):
            run(*task)

    @pytest.mark.parametrize("given", [{"LEEWAY": 5}, {"ALGORITHM": "HS256"}, {"KEYS": 7}])
    def test_bad_settings(self, keys: Path, given: dict[str, Any]) -> None:
        for task in (["new"], ["list"], ["rotate"], ["new", "--dir", str(keys)]):
            with (
                override_settings(DRF_RATCHET={"KEYS": keys, **given}),
                pytest.raises(CommandError, match=f"DRF_RATCHET.*{next(iter(given))}"),
            ):
                run(*task)

    def test_no_such_algorithm(self, keys: Path) -> None:
        with pytest.raises(CommandError, match="invalid choice"):
            run("new", "--alg", "HS1")
        with pytest.raises(CommandError, match="not a supported algorithm"):
            call_command("ratchet", "keys", "new", alg="HS1")

    @pytest.mark.starts
    def test_a_full_disk(self, keys: Path) -> None:
        program = (
            "import resource, sys\n"
            "from pathlib import Path\n"
            "from ratchet_tokens.key_directory import new_key\n"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"
            "try:\n"
            f"    new_key(Path({str(keys)!r}), 'Ed25519', 1e9, signs_from=0)\n"
            "except ValueError as error:\n"
            "    print(error)\n"
        )
        before = sorted(keys.iterdir())
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
        )
        assert (
            "cannot be written: File too large. Allow this user to write there, free some space"
            in done.stdout
        )
        assert sorted(keys.iterdir()) == before, "no draft is left"

    def test_a_name_that_no_terminal_shows(self, keys: Path) -> None:
        (made,) = keys.glob("*.json")
        made.rename(keys / os.fsdecode(b"a\nb\xff.json"))

        (line,) = run("list").splitlines()
        assert line.endswith(r"a\nb\udcff.json")


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
        monkeypatch.setattr("ratchet_tokens.key_files.LOOK_EVERY", 0)

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


PEM = b"""-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIM4lLDxuaUgrWOe2ti3ZQ0v6sDYSc+JK82TyzypfIVbL
-----END PRIVATE KEY-----
"""


@pytest.mark.starts
@pytest.mark.parametrize("keys", ["/nowhere/keys", base64.b64encode(PEM).decode()])
@pytest.mark.parametrize("program", [["-m", "gunicorn", "--check-config", "config.wsgi"], ["-c"]])
def test_a_server_does_not_start_without_keys(
    tmp_path: Path, program: list[str], keys: str
) -> None:
    (tmp_path / "without_keys.py").write_text(SETTINGS % keys)
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
    assert "DRF_RATCHET['KEYS'] is not a readable file or a PEM/JWK key." in done.stderr
    assert keys not in done.stderr + done.stdout
