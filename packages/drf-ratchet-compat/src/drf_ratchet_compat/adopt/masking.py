"""The project's lines as they may be shown: to a terminal, and to whoever reads a CI's log.

A line that names the old package may hold a key as well. What is written to files is not masked.
"""

import re
import tokenize
from collections.abc import Iterator

from drf_ratchet_compat.adopt.edits import Edit, apply, parse, tokens
from drf_ratchet_compat.adopt.packages import OldPackage
from drf_ratchet_compat.adopt.sources import Unreadable

#: In any encoding of a terminal.
_HIDDEN = "..."
#: From Python 3.12 and 3.14 on their parts are tokens of their own; before, they are strings.
_BEGIN = frozenset({"FSTRING_START", "TSTRING_START"})
_END = frozenset({"FSTRING_END", "TSTRING_END"})


def masked(text: str, package: OldPackage) -> list[str]:
    """A Python file's lines, with ``...`` for what its strings and comments say.

    Except for strings that are a dotted path of the old package or of ours, or the label of its
    app. In a file that is not Python all lines are "".

    Args:
        text: the file's.
        package: the old one.
    """
    try:
        # Else a quote that nobody closes may leave the rest of its line open to be read.
        parse(text)
        return apply(text, list(_edits(text, package))).split("\n")
    except Unreadable:
        return [""] * (text.count("\n") + 1)


def _edits(text: str, package: OldPackage) -> Iterator[Edit]:
    shown = re.compile(
        rf"(?:{package.module}|drf_ratchet(?:_compat)?|{package.migrations})(?:\.\w+)*"
    )
    opened: list[int] = []
    for token, start, end in tokens(text):
        name = tokenize.tok_name[token.type]
        if name in _BEGIN:
            opened.append(start)
        elif name in _END:
            begin = opened.pop()
            if not opened:
                yield _hidden(text, begin, end)
        elif opened:
            continue
        elif name == "COMMENT":
            yield Edit(start + 1, end, f" {_HIDDEN}")
        elif name == "STRING" and not shown.fullmatch(_content(token.string)):
            yield _hidden(text, start, end)


def _content(literal: str) -> str:
    """What stands between the quotes; with quotes, which no dotted path has, if those are three."""
    return literal.partition(literal[-1])[2][:-1]


def _hidden(text: str, start: int, end: int) -> Edit:
    """The literal without its content, on as many lines."""
    literal = text[start:end]
    prefix = literal.partition(literal[-1])[0]
    quotes = literal[-1] * (3 if literal.startswith(literal[-1] * 3, len(prefix)) else 1)
    lines = "\n" * literal.count("\n")
    return Edit(start, end, f"{prefix}{quotes}{_HIDDEN}{lines}{quotes}")
