"""One tag releases everything, so a version that differs stops the release."""

import json
from pathlib import Path

import pytest

import drf_ratchet
from tests.console import ROOT
from tools import versions

pytestmark = pytest.mark.any_database


def test_everything_that_is_released_has_one_version(capsys: pytest.CaptureFixture[str]) -> None:
    found = versions.versions(ROOT)
    assert {"ratchet-tokens", "drf-ratchet", "drf-ratchet-compat", "drf-ratchet (npm)"} <= set(
        found
    )
    assert set(found.values()) == {drf_ratchet.__version__}
    assert versions.main([f"v{drf_ratchet.__version__}"]) == 0
    assert capsys.readouterr().out.strip() == drf_ratchet.__version__


def test_every_distribution_of_the_repository_is_released() -> None:
    folders = [ROOT, *(ROOT / "packages").iterdir(), *(ROOT / "clients").iterdir()]
    built = {folder for folder in folders if (folder / "pyproject.toml").exists()}
    assert set(versions.projects(ROOT)) == built


def test_another_tag_stops_the_release(capsys: pytest.CaptureFixture[str]) -> None:
    assert versions.main(["v99.0.0"]) == 1
    said = capsys.readouterr()
    assert f"drf-ratchet has the version {drf_ratchet.__version__}, not 99.0.0." in said.err
    assert said.out == ""


def test_one_package_that_was_forgotten_stops_the_release(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder, name in ((tmp_path, "drf-ratchet"), (tmp_path / "clients/python", "a-client")):
        source = folder / "src" / name.replace("-", "_") / "__init__.py"
        source.parent.mkdir(parents=True)
        source.write_text('__version__ = "1.0.0"\n')
        (folder / "pyproject.toml").write_text(f'[project]\nname = "{name}"\n')
    npm = tmp_path / "clients/js/package.json"
    npm.parent.mkdir()
    npm.write_text(json.dumps({"name": "drf-ratchet", "version": "0.9.0"}))
    monkeypatch.setattr(versions, "CHECKOUT", tmp_path)
    assert versions.main(["v1.0.0"]) == 1
    assert capsys.readouterr().err == "drf-ratchet (npm) has the version 0.9.0, not 1.0.0.\n"
