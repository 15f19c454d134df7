"""Python's tokens by where they stand in a text, and changing some of the text's characters."""

import ast
import io
import tokenize
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

from drf_ratchet_compat.adopt.sources import Unreadable


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


def parse(text: str) -> ast.Module:
    """The syntax tree of a Python file.

    Args:
        text: the file's.

    Raises:
        Unreadable: it is not Python.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the project's own: escapes, "is" with a literal
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise Unreadable(str(error)) from None


def line_starts(text: str) -> list[int]:
    """Where each line of a text begins, in characters from its beginning.

    Args:
        text: any.
    """
    starts = [0]
    for line in text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    return starts


def tokens(text: str) -> Iterator[tuple[tokenize.TokenInfo, int, int]]:
    """Python's tokens, each with where it begins and ends.

    Args:
        text: a file's.

    Raises:
        Unreadable: it is not Python.
    """
    starts = line_starts(text)
    for token in _tokens(text):
        (first, begin), (last, end) = token.start, token.end
        # The last one may stand on a line after the last.
        if last < len(starts):
            yield token, starts[first - 1] + begin, starts[last - 1] + end


def _tokens(text: str) -> list[tokenize.TokenInfo]:
    try:
        return list(tokenize.generate_tokens(io.StringIO(text, newline="\n").readline))
    except (tokenize.TokenError, SyntaxError) as error:
        raise Unreadable(str(error)) from None
