"""Check the first words of public docstrings: `make lint`.

    python -m tools.docstrings src demo

Reports a docstring of a public module, class, function or method that begins with What, Whether,
Where, Who or How, or that has two words or fewer. The first line should say what the code does:
"Return the active session of a refresh token." Ruff's D401 checks that it begins with a verb.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeAlias

QUESTIONS = ("What", "Whether", "Where", "Who", "How")
FEWEST = 3

Definition: TypeAlias = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def main(paths: Iterable[str]) -> int:
    """Print each fault in these files and folders, and return an exit status.

    Args:
        paths: of Python files, and of folders that hold them.
    """
    found = 0
    for file in files(paths):
        for line, fault in faults(file.read_text(encoding="utf-8"), public=_is_public(file.stem)):
            print(f"{file}:{line}: {fault}")
            found += 1
    print(f"{found} docstrings to rewrite." if found else "All docstrings begin well.")
    return 1 if found else 0


def files(paths: Iterable[str]) -> Iterator[Path]:
    """Yield the Python files among these paths and below them.

    Raises:
        FileNotFoundError: nothing is there, so the check would pass by checking nothing.
    """
    for path in map(Path, paths):
        if not path.exists():
            raise FileNotFoundError(path)
        yield from sorted(path.rglob("*.py")) if path.is_dir() else [path]


def faults(source: str, *, public: bool = True) -> Iterator[tuple[int, str]]:
    """Yield the line and the description of each fault in the source of a module.

    Args:
        source: the text of the module.
        public: False for a module whose name begins with an underscore: nothing in it is public.
    """
    if not public:
        return
    for node, name in _definitions(ast.parse(source), "module"):
        docstring = ast.get_docstring(node)
        if docstring is None:
            continue
        line = node.body[0].lineno
        words = docstring.partition("\n\n")[0].split()
        if words and words[0].strip("'’\",.:;") in QUESTIONS:
            yield line, f"{name}: the docstring begins with {words[0]!r}."
        elif len(docstring.split()) < FEWEST:
            yield line, f"{name}: the docstring has fewer than {FEWEST} words."


def _definitions(node: Definition, name: str) -> Iterator[tuple[Definition, str]]:
    """Yield the module and what is public in it; nothing inside of functions is."""
    yield node, name
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return
    for inner in _statements(node.body):
        if isinstance(inner, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and _is_public(
            inner.name
        ):
            whole = inner.name if isinstance(node, ast.Module) else f"{name}.{inner.name}"
            yield from _definitions(inner, whole)


def _statements(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements, and those below ``if``, ``try`` and ``with``."""
    for statement in body:
        yield statement
        if isinstance(statement, ast.If | ast.Try | ast.With):
            yield from _statements(
                one for one in ast.iter_child_nodes(statement) if isinstance(one, ast.stmt)
            )
            for handler in getattr(statement, "handlers", []):
                yield from _statements(handler.body)


def _is_public(name: str) -> bool:
    return not name.startswith("_") or (name.startswith("__") and name.endswith("__"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
