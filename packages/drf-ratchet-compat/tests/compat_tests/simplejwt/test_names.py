"""The table of docs/migrating.md: every name of simplejwt is in it, and is what it says."""

import inspect
import pkgutil
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import rest_framework_simplejwt as simplejwt
from rest_framework_simplejwt.settings import DEFAULTS

from drf_ratchet_compat.simplejwt.settings import DEFAULTS as OUR_DEFAULTS

pytestmark = pytest.mark.any_database

GUIDE = Path(__file__).parents[5] / "docs" / "migrating.md"
#: Modules that need the old app to be installed, by the names that they define.
NOT_IMPORTED = {
    "token_blacklist.admin": ["OutstandingTokenAdmin", "BlacklistedTokenAdmin", "AuthUser"],
}
#: Names that a module has from elsewhere.
BORROWED = {"HTTP_HEADER_ENCODING", "TYPE_CHECKING", "logger", "USER_SETTINGS_DOC"}


def table() -> dict[str, tuple[str, str]]:
    """Each name of the guide's first part: same or differs, and why."""
    part = GUIDE.read_text().split("\n## From djangorestframework-jwt")[0]
    rows = re.findall(r"^\| `([\w.]+)` \| (same|differs) \| ?(.*?) ?\|$", part, re.MULTILINE)
    return {name: (word, why) for name, word, why in rows}


def their_names() -> set[str]:
    """What simplejwt's modules define, by relative path."""
    prefix = f"{simplejwt.__name__}."
    found = {f"{module}.{name}" for module, names in NOT_IMPORTED.items() for name in names}
    for module in pkgutil.walk_packages(simplejwt.__path__, prefix):
        short = module.name.removeprefix(prefix)
        if ".migrations" not in module.name and short not in NOT_IMPORTED:
            found |= {f"{short}.{name}" for name in own_names(import_module(module.name))}
    return found | {"state.token_backend"}


def own_names(module: Any) -> set[str]:
    return {
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and name not in BORROWED
        and not inspect.ismodule(value)
        and getattr(value, "__module__", module.__name__) == module.__name__
    }


def test_every_name_is_in_the_table() -> None:
    names = {name for name in table() if "." in name}
    assert names == their_names()


def test_every_setting_is_in_the_table() -> None:
    names = {name for name in table() if name.isupper() and "." not in name}
    assert names == {*DEFAULTS, "LEGACY_KEYS"}
    assert names == OUR_DEFAULTS.keys()


def test_what_differs_says_why() -> None:
    assert all(why for word, why in table().values() if word == "differs")


@pytest.mark.parametrize("name", sorted(name for name in table() if "." in name))
def test_it_is_where_it_was(name: str) -> None:
    word, why = table()[name]
    path, _, last = name.rpartition(".")
    if path == "token_blacklist.admin":
        assert (
            Path(__file__).parents[5]
            / "packages/drf-ratchet-compat/src/drf_ratchet_compat/simplejwt"
            / f"{path.replace('.', '/')}.py"
        ).exists()
        return
    module = import_module(f"drf_ratchet_compat.simplejwt.{path}")
    assert hasattr(module, last) != why.startswith("not there")
    if word == "same" and inspect.isclass(getattr(module, last)):
        theirs = getattr(import_module(f"{simplejwt.__name__}.{path}"), last)
        public = {member for member in vars(theirs) if not member.startswith("_")}
        assert public <= {*dir(getattr(module, last)), "_declared_fields"}
