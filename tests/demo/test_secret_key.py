"""The key that is made for whoever set none."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.secret_key import secret_key

pytestmark = pytest.mark.any_database


def test_made_once_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "var" / "secret-key"

    key = secret_key(path)

    assert len(key) >= 50
    assert secret_key(path) == key
    assert path.read_text() == f"{key}\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_everybody_who_asks_at_once_gets_the_same(tmp_path: Path) -> None:
    asking = 8
    together = Barrier(asking)

    def ask(path: Path) -> str:
        together.wait()
        return secret_key(path)

    with ThreadPoolExecutor(asking) as pool:
        for turn in range(20):
            path = tmp_path / f"{turn}" / "secret-key"
            assert len(set(pool.map(ask, [path] * asking))) == 1
            assert list(path.parent.iterdir()) == [path]


def test_an_empty_file_is_no_key(tmp_path: Path) -> None:
    path = tmp_path / "secret-key"
    path.touch()

    with pytest.raises(ImproperlyConfigured, match="is empty"):
        secret_key(path)
