"""What changes in a file when one package takes another's place: names, and nothing else."""

import ast
import difflib
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass

from drf_ratchet_compat.adopt.edits import Edit, apply, line_starts, parse, tokens
from drf_ratchet_compat.adopt.masking import masked
from drf_ratchet_compat.adopt.packages import OldPackage
from drf_ratchet_compat.adopt.sources import Source

_DOT = "."
#: What a project that runs this command has in its INSTALLED_APPS.
_RATCHET = frozenset({"drf_ratchet", "drf_ratchet.apps.RatchetConfig"})


@dataclass(frozen=True, slots=True)
class Mention:
    """A place that names the old package and is left as it is.

    Args:
        line: counted from 1.
        text: the line as it may be shown; "" for not at all.
    """

    line: int
    text: str = ""


@dataclass(frozen=True, slots=True)
class Renaming:
    """What is to change in a file.

    Args:
        source: the file as it was read.
        text: its text afterwards.
        mentions: what a person has to look at.
        package: whose name it is.
    """

    source: Source
    text: str
    mentions: tuple[Mention, ...]
    package: OldPackage

    @property
    def changes(self) -> bool:
        """Whether anything changes."""
        return self.text != self.source.text

    def diff(self, name: str) -> list[str]:
        """The change as a unified diff, a line each, masked and without the lines around it.

        Args:
            name: the file's, from the project's directory.
        """
        old, new = (masked(text, self.package) for text in (self.source.text, self.text))
        lines = difflib.unified_diff(old, new, f"a/{name}", f"b/{name}", lineterm="", n=0)
        return [line.rstrip("\r") for line in lines]


def rename(source: Source, package: OldPackage, *, install: bool = False) -> Renaming:
    """Rename the package in imports, names and whole dotted strings.

    Args:
        source: the file.
        package: which one.
        install: whether the old one was no app, so that ours has to be added to
            ``INSTALLED_APPS``: after ``"drf_ratchet"``, if this is the file that lists it.

    Raises:
        Unreadable: it is not Python, or would not be afterwards.
    """
    names = package.word.search(source.text) is not None
    if not names and not (install and "INSTALLED_APPS" in source.text):
        return Renaming(source, source.text, (), package)
    tree = parse(source.text)
    edits = list(_names(source.text, package)) if names else []
    edits += _installed(source, tree, package) if install else []
    edits.sort(key=lambda edit: edit.start)
    text = apply(source.text, edits)
    parse(text)
    return Renaming(source, text, tuple(mentions(text, package, python=True)), package)


def mentions(text: str, package: OldPackage, *, python: bool = False) -> Iterator[Mention]:
    """The lines of any text that name the package.

    Args:
        text: a file's.
        package: which one.
        python: whether they may be shown, masked. What is secret in another file, nobody knows.
    """
    return lines_with(package.word, text, package if python else None)


def lines_with(
    pattern: re.Pattern[str], text: str, masked_for: OldPackage | None
) -> Iterator[Mention]:
    """The lines of any text that a pattern is found in.

    Args:
        pattern: what to look for.
        text: a file's.
        masked_for: the package whose paths are shown in its lines; None to show no line.
    """
    numbers = [n for n, line in enumerate(text.split("\n")) if pattern.search(line)]
    lines = masked(text, masked_for) if numbers and masked_for else []
    for number in numbers:
        yield Mention(number + 1, lines[number].strip() if lines else "")


def _names(text: str, package: OldPackage) -> Iterator[Edit]:
    before = ""
    for token, start, _ in tokens(text):
        if token.type == tokenize.NAME:
            # An attribute or a keyword of that name is somebody else's.
            if token.string == package.module and before != _DOT:
                yield Edit(start, start + len(token.string), package.replacement)
        elif token.type == tokenize.STRING:
            yield from _in_string(token.string, start, package)
        before = token.string


def _in_string(literal: str, start: int, package: OldPackage) -> Iterator[Edit]:
    # r"", b"", u"": the content stands between the quotes, and a dotted path has no escapes.
    quote = literal[-1]
    prefix, _, rest = literal.partition(quote)
    content = rest[:-1]
    if "f" not in prefix.lower() and package.is_within(content):
        begin = start + len(prefix) + 1
        yield Edit(begin, begin + len(package.module), package.replacement)


def _installed(source: Source, tree: ast.Module, package: OldPackage) -> Iterator[Edit]:
    starts = line_starts(source.text)
    for element in _installed_apps(tree):
        if element.value not in _RATCHET or element.lineno != element.end_lineno:
            continue
        line = source.text[starts[element.lineno - 1] :].split("\n", 1)[0]
        # ast counts in bytes.
        column = len(line.encode()[: element.col_offset].decode())
        end = len(line.encode()[: element.end_col_offset].decode())
        indent, newline = line[:column], "\r\n" if line.endswith("\r") else "\n"
        between = ", " if indent.strip() else f",{newline}{indent}"
        position = starts[element.lineno - 1] + end
        yield Edit(position, position, f'{between}"{package.replacement}"')
        return


def _installed_apps(tree: ast.Module) -> Iterator[ast.Constant]:
    """Each constant in what INSTALLED_APPS is set to or extended by."""
    for node in ast.walk(tree):
        for value in _values_of_installed_apps(node):
            yield from (each for each in ast.walk(value) if isinstance(each, ast.Constant))


def _values_of_installed_apps(node: ast.AST) -> Iterator[ast.expr]:
    if isinstance(node, ast.Assign):
        targets: list[ast.expr] = node.targets
    elif isinstance(node, ast.AugAssign | ast.AnnAssign):
        targets = [node.target]
    else:
        return
    if node.value and any(isinstance(t, ast.Name) and t.id == "INSTALLED_APPS" for t in targets):
        yield node.value
