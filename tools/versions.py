"""Check that everything that is released has one version, and say which.

    python -m tools.versions             # prints the version
    python -m tools.versions v0.1.0      # and it must be that of this tag

The distributions for Python and the package for npm are released together, from one tag.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]


def main(tags: Iterable[str]) -> int:
    """Print the version, or what differs, and return an exit status.

    Args:
        tags: the tag that is released, or nothing.
    """
    found = versions(CHECKOUT)
    expected = {tag.removeprefix("v") for tag in tags} or {found["drf-ratchet"]}
    different = {name: version for name, version in found.items() if {version} != expected}
    for name, version in different.items():
        print(f"{name} has the version {version}, not {', '.join(expected)}.", file=sys.stderr)
    if not different:
        print(*expected)
    return 1 if different else 0


def versions(checkout: Path) -> dict[str, str]:
    """Return the version of each package by its name.

    Args:
        checkout: the root of the repository.
    """
    npm = json.loads((checkout / "clients" / "js" / "package.json").read_text())
    return {
        **{_name(project): _version(project) for project in projects(checkout)},
        f"{npm['name']} (npm)": npm["version"],
    }


def projects(checkout: Path) -> list[Path]:
    """Return the folders of the distributions for Python, in the order of what needs what.

    Args:
        checkout: the root of the repository.
    """
    known = [
        checkout / "packages" / "ratchet-tokens",
        checkout,
        checkout / "packages" / "drf-ratchet-compat",
        checkout / "clients" / "python",
    ]
    return [project for project in known if (project / "pyproject.toml").exists()]


def _name(project: Path) -> str:
    found: str = tomllib.loads((project / "pyproject.toml").read_text())["project"]["name"]
    return found


def _version(project: Path) -> str:
    module = project / "src" / _name(project).replace("-", "_") / "__init__.py"
    [found] = re.findall(r'^__version__ = "(.+)"$', module.read_text(), re.MULTILINE)
    return str(found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
