"""The project's own files, parsed: which names of a package they use, and where."""

import ast
import os
import tokenize
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

#: Directories inside a project's directory that are not the project.
_NOT_OURS = frozenset({"node_modules", "site-packages", "dist-packages", "__pycache__"})
#: Files in the directory of a virtual environment: venv's, conda's.
_ENVIRONMENT = frozenset({"pyvenv.cfg", "conda-meta"})
#: Bytes beyond which a file is data.
_LARGE = 500_000


@dataclass(frozen=True, slots=True)
class Module:
    """A Python file of the project.

    Args:
        name: its path, relative to the project's directory.
        tree: its syntax tree.
        names: what each imported or assigned name stands for, as a dotted path.
    """

    name: str
    tree: ast.Module
    names: dict[str, str]

    def path_of(self, node: ast.AST) -> str:
        """Return the dotted path that an expression names; "" if it names none.

        A call stands for its class: ``RefreshToken(x).blacklist`` is ``RefreshToken.blacklist``.
        """
        if isinstance(node, ast.Name):
            return self.names.get(node.id, "")
        if isinstance(node, ast.Attribute):
            of = self.path_of(node.value)
            return f"{of}.{node.attr}" if of else ""
        return self.path_of(node.func) if isinstance(node, ast.Call) else ""

    def at(self, node: ast.AST) -> str:
        """Return file and line of a node."""
        return f"{self.name}:{getattr(node, 'lineno', 1)}"


def modules(root: Path) -> Iterator[Module]:
    """Yield the project's Python files that can be parsed.

    Args:
        root: the project's directory.
    """
    for path in project_files(root):
        if path.suffix != ".py":
            continue
        try:
            with tokenize.open(path) as opened, warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree = ast.parse(opened.read())
        except (OSError, SyntaxError, ValueError, RecursionError, MemoryError, LookupError):
            continue
        yield Module(path.relative_to(root).as_posix(), tree, _names(tree))


def _names(tree: ast.Module) -> dict[str, str]:
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                found[alias.asname or alias.name] = f"{node.module}.{alias.name}"
        elif isinstance(node, ast.Import):
            for alias in node.names:
                first = alias.name.partition(".")[0]
                found[alias.asname or first] = alias.name if alias.asname else first
    known = Module("", tree, found)
    for node in ast.walk(tree):
        # An instance that is saved: backend = TokenBackend(...)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            path = known.path_of(node.value)
            targets = [target for target in node.targets if isinstance(target, ast.Name)]
            found.update({target.id: path for target in targets if path})
    return found


def lines_with(root: Path, word: str) -> Iterator[str]:
    """Yield file and line of each place in the project's text files that has a word.

    Args:
        root: the project's directory.
        word: the word.
    """
    for path in project_files(root, hidden=True):
        try:
            if path.stat().st_size > _LARGE:
                continue
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            continue
        for number, line in enumerate(lines, 1):
            if word in line:
                yield f"{path.relative_to(root).as_posix()}:{number}"


def project_files(root: Path, *, hidden: bool = False) -> Iterator[Path]:
    """Yield the project's own files, in order.

    Virtual environments, installed packages and symbolic links are not followed.

    Args:
        root: the project's directory.
        hidden: whether hidden directories belong to it; ``.git`` never does.
    """
    for place, directories, files in os.walk(root):
        directories[:] = sorted(
            name for name in directories if _is_project(Path(place, name), hidden)
        )
        for name in sorted(files):
            path = Path(place, name)
            if not path.is_symlink() and path.is_file():
                yield path


def _is_project(directory: Path, hidden: bool) -> bool:
    name = directory.name
    if name in _NOT_OURS or name == ".git" or name.endswith("_cache") or directory.is_symlink():
        return False
    if name.startswith(".") and not hidden:
        return False
    return not any((directory / mark).exists() for mark in _ENVIRONMENT)
