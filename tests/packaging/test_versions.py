"""One version number for the three distributions, each pinned to the others exactly."""

import tomllib

import pytest

import drf_ratchet
import drf_ratchet_compat
import ratchet_tokens
from tests.console import ROOT

pytestmark = pytest.mark.any_database


def dependencies(project: str) -> list[str]:
    text = (ROOT / project / "pyproject.toml").read_text()
    found: list[str] = tomllib.loads(text)["project"]["dependencies"]
    return found


def test_all_have_one_version() -> None:
    version = drf_ratchet.__version__
    assert ratchet_tokens.__version__ == version
    assert drf_ratchet_compat.__version__ == version


def test_each_needs_exactly_that_version_of_the_one_below() -> None:
    version = drf_ratchet.__version__
    assert f"ratchet-tokens=={version}" in dependencies(".")
    assert f"drf-ratchet=={version}" in dependencies("packages/drf-ratchet-compat")


def test_tokens_need_joserfc_alone() -> None:
    assert [name.partition(">")[0] for name in dependencies("packages/ratchet-tokens")] == [
        "joserfc"
    ]
