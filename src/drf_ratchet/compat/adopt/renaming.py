"""What changes in a file when one package takes another's place: names, and nothing else."""

import ast
import difflib
import io
import tokenize
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

from drf_ratchet.compat.adopt.packages import OldPackage
from drf_ratchet.compat.adopt.sources import Source, Unreadable

_DOT = "."
#: What a project that runs this command has in its INSTALLED_APPS.
_RATCHET = frozenset({"drf_ratchet", "drf_ratchet.apps.RatchetConfig"})


@dataclass(frozen=True, slots=True)
class Edit:
    """Some characters in place of others.

    Args:
        start: where the first of them is, in characters from the file's beginning.
        end: where they end.
        text: what stands there instead.
    """

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Mention:
    """A place that names the old package and is left as it is.

    Args:
        line: counted from 1.
        text: the line.
    """

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Renaming:
    """What is to change in a file.

    Args:
        source: the file as it was read.
        text: its text afterwards.
        mentions: what a person has to look at.
    """

    source: Source
    text: str
    mentions: tuple[Mention, ...]

    @property
    def changes(self) -> bool:
        """Whether anything changes."""
        return self.text != self.source.text

    def diff(self, name: str) -> list[str]:
        """The change as a unified diff, a line each.

        Args:
            name: the file's, from the project's directory.
        """
        old, new = self.source.text.splitlines(), self.text.splitlines()
        return list(difflib.unified_diff(old, new, f"a/{name}", f"b/{name}", lineterm="", n=1))


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
        return Renaming(source, source.text, ())
    tree = _parse(source.text)
    edits = list(_names(source.text, package)) if names else []
    edits += _installed(source, tree, package) if install else []
    edits.sort(key=lambda edit: edit.start)
    text = apply(source.text, edits)
    _parse(text)
    return Renaming(source, text, tuple(mentions(text, package)))


def apply(text: str, edits: list[Edit]) -> str:
    """A text with its edits made.

    Args:
        text: what they count in.
        edits: in order, none over another.
    """
    parts, position = [], 0
    for edit in edits:
        parts += [text[position : edit.start], edit.text]
        position = edit.end
    return "".join([*parts, text[position:]])


def mentions(text: str, package: OldPackage) -> Iterator[Mention]:
    """The lines of any text that name the package.

    Args:
        text: a file's.
        package: which one.
    """
    for number, line in enumerate(text.split("\n"), start=1):
        if package.word.search(line):
            yield Mention(number, line.strip())


def _names(text: str, package: OldPackage) -> Iterator[Edit]:
    starts = _line_starts(text)
    before = ""
    for token in _tokens(text):
        start = starts[token.start[0] - 1] + token.start[1]
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
    starts = _line_starts(source.text)
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


def _line_starts(text: str) -> list[int]:
    starts = [0]
    for line in text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    return starts


def _tokens(text: str) -> list[tokenize.TokenInfo]:
    try:
        return list(tokenize.generate_tokens(io.StringIO(text, newline="\n").readline))
    except (tokenize.TokenError, SyntaxError) as error:
        raise Unreadable(str(error)) from None


def _parse(text: str) -> ast.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the project's own: escapes, "is" with a literal
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise Unreadable(str(error)) from None
