"""New keys, rotation and retirement, with the directory as its readers see it at each moment."""

import json
import os
import stat
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ratchet_tokens.algorithms import ALGORITHMS
from ratchet_tokens.key_directory import (
    KeyFile,
    KeyState,
    list_keys,
    new_key,
    retire_key,
    rotate_keys,
)
from ratchet_tokens.key_files import arrange, read_sources
from token_tests.test_key_files import members

pytestmark = pytest.mark.any_database

NOW = 1_800_000_000
DELAY, OVERLAP = 900, 360


def states(directory: Path, now: float) -> list[str]:
    return [one.state.value for one in list_keys(directory, now)]


def rotate(directory: Path, now: float = NOW, **more: Any) -> tuple[KeyFile, list[KeyFile]]:
    return rotate_keys(directory, now, signs_from=now + DELAY, overlap=OVERLAP, **more)


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """A directory with one key, that signs."""
    new_key(tmp_path / "keys", "Ed25519", NOW - 100, signs_from=0)
    return tmp_path / "keys"


class TestNew:
    def test_the_first_signs_at_once(self, tmp_path: Path) -> None:
        made = new_key(tmp_path / "a" / "keys", "Ed25519", NOW, signs_from=NOW + DELAY)

        assert made.state is KeyState.SIGNING
        assert made.key.kid == made.key.jose.thumbprint()

    def test_the_next_waits(self, keys: Path) -> None:
        made = new_key(keys, "ES256", NOW, signs_from=NOW + DELAY)

        assert made.state is KeyState.PUBLISHED
        assert states(keys, NOW + DELAY - 1) == ["signing", "published"]
        assert states(keys, NOW + DELAY) == ["verifying", "signing"]

    def test_at_once_in_the_same_second(self, tmp_path: Path) -> None:
        new_key(tmp_path, "Ed25519", NOW, signs_from=NOW)
        second = new_key(tmp_path, "Ed25519", NOW + 0.4, signs_from=NOW + 0.4)

        newest = arrange(read_sources([tmp_path]), NOW + 1).signing
        assert newest.kid == second.key.kid

    @pytest.mark.parametrize("alg", ALGORITHMS)
    def test_every_algorithm(self, tmp_path: Path, alg: str) -> None:
        made = new_key(tmp_path, alg, NOW, signs_from=NOW)

        assert made.key.alg == alg
        assert made.key.verify(b"x", made.key.sign(b"x"))
        (published,) = arrange([made.key], NOW).published()["keys"] or [None]
        assert (published is None) == alg.startswith("HS")

    def test_a_shared_secrets_name_says_nothing_of_it(self, tmp_path: Path) -> None:
        first, second = (new_key(tmp_path / n, "HS256", NOW, signs_from=NOW) for n in "ab")

        assert first.key.kid != second.key.kid
        assert len(first.key.kid) == 22

    def test_only_the_owner_can_read_it(self, tmp_path: Path) -> None:
        made = new_key(tmp_path / "keys", "Ed25519", NOW, signs_from=NOW)

        assert stat.S_IMODE(made.file.stat().st_mode) == 0o600
        assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700
        assert [path for path in (tmp_path / "keys").iterdir() if path != made.file] == [
            tmp_path / "keys" / ".lock"
        ]

    def test_beside_a_public_key_that_all_can_read(self, keys: Path) -> None:
        (public,) = list_keys(keys, NOW)
        shown = keys / "z-public.json"
        shown.write_text(json.dumps({**public.key.public_jwk(), "kid": "of somebody else"}))
        shown.chmod(0o644)
        os.utime(shown, (NOW + 10**6, NOW + 10**6))

        made = new_key(keys, "Ed25519", NOW, signs_from=NOW)

        assert stat.S_IMODE(made.file.stat().st_mode) == 0o600
        assert stat.S_IMODE(shown.stat().st_mode) == 0o644

    @pytest.mark.parametrize(
        ("beside", "expected"),
        [(0o644, 0o640), (0o666, 0o640), (0o640, 0o640), (0o660, 0o640), (0o400, 0o600)],
    )
    def test_beside_a_private_key(self, keys: Path, beside: int, expected: int) -> None:
        """The server's group keeps its access. Others get none."""
        (old,) = keys.glob("*.json")
        old.chmod(beside)

        made, _ = rotate(keys)

        assert stat.S_IMODE(made.file.stat().st_mode) == expected
        assert stat.S_IMODE(old.stat().st_mode) == expected, "it was written too"

    def test_whatever_the_umask(self, tmp_path: Path) -> None:
        before = os.umask(0)
        try:
            made = new_key(tmp_path / "keys", "Ed25519", NOW, signs_from=NOW)
        finally:
            os.umask(before)

        assert stat.S_IMODE(made.file.stat().st_mode) == 0o600
        assert stat.S_IMODE(made.file.parent.stat().st_mode) == 0o700

    def test_the_first_belongs_to_the_owner_of_the_directory(self, tmp_path: Path) -> None:
        """The command as root, the server as another user, and no key yet."""
        if os.geteuid() != 0:
            pytest.skip("only root gives files away")
        (tmp_path / "keys").mkdir(0o700)
        os.chown(tmp_path / "keys", 33, 33)

        made = new_key(tmp_path / "keys", "Ed25519", NOW, signs_from=NOW)

        assert (made.file.stat().st_uid, made.file.stat().st_gid) == (33, 33)
        assert stat.S_IMODE(made.file.stat().st_mode) == 0o600

    def test_no_algorithm(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match="not a supported algorithm"):
            new_key(tmp_path, "none", NOW, signs_from=NOW)

    def test_its_repr_shows_no_key(self, tmp_path: Path) -> None:
        made = new_key(tmp_path, "Ed25519", NOW, signs_from=NOW)

        assert json.loads(made.file.read_text())["d"] not in repr(made)


class TestRotate:
    def test_the_whole_life(self, keys: Path) -> None:
        old = list_keys(keys, NOW)[0].key.kid
        rotate(keys)

        assert states(keys, NOW) == ["signing", "published"]
        assert states(keys, NOW + DELAY) == ["verifying", "signing"]
        assert states(keys, NOW + DELAY + OVERLAP - 1) == ["verifying", "signing"]
        assert states(keys, NOW + DELAY + OVERLAP) == ["over", "signing"]
        last = arrange(read_sources([keys]), NOW + DELAY + OVERLAP)
        assert last.get(old) is None

    def test_expired_keys_are_deleted(self, keys: Path) -> None:
        rotate(keys)
        rotate(keys, NOW + DELAY + OVERLAP)

        assert states(keys, NOW + DELAY + OVERLAP) == ["signing", "published"]

    def test_twice_in_a_row(self, keys: Path) -> None:
        """An operator repeats the command to be sure."""
        rotate(keys)
        rotate(keys, NOW + 1)

        for moment in range(NOW, NOW + 2 * (DELAY + OVERLAP), 10):
            assert states(keys, moment).count("signing") == 1
        # The first key is known until the last of its tokens is dead.
        assert states(keys, NOW + DELAY + OVERLAP - 1)[0] == "verifying"

    def test_the_algorithm(self, keys: Path) -> None:
        assert rotate(keys)[0].key.alg == "Ed25519"
        assert rotate(keys, alg="ES256")[0].key.alg == "ES256"

    def test_nothing_to_rotate(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match="Create one first"):
            rotate(tmp_path)

    def test_pem_cannot_say_when_it_ends(self, keys: Path) -> None:
        from token_tests.test_key_files import ed25519, pem

        (keys / "0.pem").write_text(pem(ed25519.Ed25519PrivateKey.generate()))

        _, endless = rotate(keys)

        assert [one.file.name for one in endless] == ["0.pem"]

    def test_file_mode_is_preserved(self, keys: Path) -> None:
        rotate(keys)

        assert {stat.S_IMODE(path.stat().st_mode) for path in keys.glob("*.json")} == {0o600}

    def test_a_file_that_cannot_be_used_stops_it(self, keys: Path) -> None:
        (keys / "bad.json").write_text("{}")
        before = sorted(keys.iterdir())

        with pytest.raises(ValueError, match=r"bad\.json contains no usable key"):
            rotate(keys)
        assert sorted(keys.iterdir()) == before


class TestRetire:
    def test_one_that_is_over(self, keys: Path) -> None:
        old = list_keys(keys, NOW)[0].key.kid
        rotate(keys)

        retire_key(keys, old, NOW + DELAY + OVERLAP)

        assert states(keys, NOW + DELAY + OVERLAP) == ["signing"]

    def test_key_of_unexpired_tokens_needs_force(self, keys: Path) -> None:
        old = list_keys(keys, NOW)[0].key.kid
        new_key(keys, "Ed25519", NOW, signs_from=NOW)

        with pytest.raises(ValueError, match="--force"):
            retire_key(keys, old, NOW)
        retire_key(keys, old, NOW, force=True)
        assert states(keys, NOW) == ["signing"]

    def test_the_one_that_signs_is_followed_by_the_next(self, keys: Path) -> None:
        """After a theft."""
        stolen = list_keys(keys, NOW)[0].key.kid
        rotate(keys)

        retire_key(keys, stolen, NOW, force=True)

        assert states(keys, NOW) == ["signing"]

    def test_last_key_is_not_retired(self, keys: Path) -> None:
        only = list_keys(keys, NOW)[0].key.kid

        with pytest.raises(ValueError, match="No other key can sign"):
            retire_key(keys, only, NOW, force=True)
        assert states(keys, NOW) == ["signing"]

    def test_the_new_one_before_it_signs(self, keys: Path) -> None:
        """The old one was to end; now it is the last."""
        made, _ = rotate(keys)

        retire_key(keys, made.key.kid, NOW)

        for moment in (NOW, NOW + DELAY + OVERLAP, NOW + 10**6):
            assert states(keys, moment) == ["signing"]

    def test_the_new_one_while_the_old_one_verifies(self, keys: Path) -> None:
        made, _ = rotate(keys)

        retire_key(keys, made.key.kid, NOW + DELAY + 1, force=True)

        for moment in (NOW + DELAY + 1, NOW + DELAY + OVERLAP, NOW + 10**6):
            assert states(keys, moment) == ["signing"]

    def test_one_of_two_that_wait(self, keys: Path) -> None:
        rotate(keys)
        last, _ = rotate(keys, NOW + 1)

        retire_key(keys, last.key.kid, NOW + 2)

        assert states(keys, NOW + 2) == ["signing", "published"]
        for moment in range(NOW + 2, NOW + 3 * (DELAY + OVERLAP), 10):
            assert states(keys, moment).count("signing") == 1

    def test_one_that_is_not_there(self, keys: Path) -> None:
        with pytest.raises(ValueError, match="has no key x"):
            retire_key(keys, "x", NOW)


@pytest.mark.parametrize("task", ["rotate", "retire"])
def test_a_file_with_several_keys_is_not_touched(keys: Path, task: str) -> None:
    """Deleting one would delete the others."""
    file = keys / "set.jwks"
    file.write_text(json.dumps({"keys": [members("a", exp=NOW - 1), members("b")]}))
    before = {path: path.read_bytes() for path in keys.iterdir() if path.name != ".lock"}

    attempt = rotate if task == "rotate" else partial(retire_key, kid="a", now=NOW)
    with pytest.raises(ValueError, match=r"set\.jwks contains several keys"):
        attempt(keys)
    assert {path: path.read_bytes() for path in before} == before


def test_owner_of_the_directory_owns_new_files(keys: Path) -> None:
    """The command runs as root, the server as another user."""
    if os.geteuid() != 0:
        pytest.skip("only root gives files away")
    for path in (keys, *keys.glob("*.json")):
        os.chown(path, 33, 33)
    for path in keys.glob("*.json"):
        path.chmod(0o640)

    rotate(keys)

    belong = {(path.stat().st_uid, path.stat().st_gid) for path in keys.glob("*.json")}
    assert belong == {(33, 33)}
    assert {stat.S_IMODE(path.stat().st_mode) for path in keys.glob("*.json")} == {0o640}


def test_two_of_one_name(keys: Path) -> None:
    for name in ("a.json", "b.json"):
        (keys / name).write_text(json.dumps(members("same")))

    with pytest.raises(ValueError, match="Two keys have the kid 'same'"):
        list_keys(keys, NOW)
