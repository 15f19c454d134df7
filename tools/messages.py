"""Update the translation catalogs: extract texts into .po files and compile them into .mo files.

Run `make messages` after adding or changing a text, and again after translating it:

    make messages                     updates every catalog
    make messages ARGS=--check        writes nothing, lists what is missing, fails if anything is
    make messages ARGS="--add it"     starts a catalog for another language

An unchanged text keeps its translation. A changed text is a new text: translations are not guessed.
The files contain no dates and no line numbers, so a catalog changes only when a text does. Babel
does the work, because Django's own `makemessages` needs GNU gettext installed.
"""

from __future__ import annotations

import argparse
import io
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from babel import Locale
from babel.messages import Catalog
from babel.messages.catalog import Message
from babel.messages.extract import extract_python
from babel.messages.mofile import write_mo
from babel.messages.plurals import get_plural
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

CHECKOUT = Path(__file__).resolve().parents[1]
SOURCE = CHECKOUT / "src" / "drf_ratchet"
#: The catalogs of drf_ratchet hold the texts of all three packages: drf_ratchet translates the
#: refusals of ratchet_tokens, and the bridge requires drf_ratchet.
SOURCES = (SOURCE, *CHECKOUT.glob("packages/*/src"))
LOCALES = SOURCE / "locale"

#: The functions that mark a text, and the positions of their arguments ("c": the context).
KEYWORDS: dict[str, Any] = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
    "npgettext_lazy": ((1, "c"), 2, 3),
}

#: A translation must keep these: placeholders, settings, commands, headers and token fields.
_AS_IT_IS = re.compile(
    r"%\(\w+\)[sd]|%[sd]|\{\w*\}|[A-Z]+_[A-Z_]+(?:\['\w+'\])?"
    r"|manage\.py(?: (?:ratchet|check|keys|new|end)\b)*"
    r"|Idempotency-Key|Content-Type|Authorization|JSON|\borig_\w+|\bjti\b",
    re.ASCII,
)


class Catalogue(Catalog):
    """The texts of the packages, or their translations into one language.

    The header contains no dates and no authors.

    Args:
        language: the name of Django's directory ("pt_BR"); None for the texts alone.
    """

    def __init__(self, language: str | None = None) -> None:
        super().__init__(Locale.parse(language) if language else None, fuzzy=False)
        self.language = language

    @property
    def headers(self) -> list[tuple[str, str]]:
        """Return the lines of the header."""
        headers = [
            ("Project-Id-Version", "drf-ratchet"),
            ("MIME-Version", "1.0"),
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Transfer-Encoding", "8bit"),
        ]
        if self.language:
            plural = get_plural(self.language).plural_forms
            headers += [("Language", self.language), ("Plural-Forms", plural)]
        return headers

    # Babel's own would write the time of day.
    mime_headers = headers

    def __iter__(self) -> Iterator[Message]:
        """Yield the header, whose last line must end with a line break, and the messages."""
        for message in super().__iter__():
            if not message.id:
                message.string = str(message.string).rstrip("\n") + "\n"
            yield message

    @property
    def name(self) -> str:
        """Return the English name of the language."""
        return str(Locale.parse(self.language).get_display_name("en")) if self.language else ""


def texts() -> Catalogue:
    """Return the marked texts of the source."""
    found = Catalogue()
    files = [
        path
        for source in SOURCES
        for path in (*source.rglob("*.py"), *source.rglob("templates/**/*.html"))
    ]
    for path in sorted(files):
        where = str(path.relative_to(CHECKOUT))
        for text, context in _marked(path):
            found.add(text, context=context, locations=[(where, 1)])
    return found


def languages() -> list[str]:
    """Return the languages that have a catalog, named as their directories."""
    return sorted(path.parents[1].name for path in LOCALES.glob("*/LC_MESSAGES/django.po"))


def po_file(language: str) -> Path:
    """Return the path of a language's catalog. The compiled one is next to it, as ``.mo``."""
    return LOCALES / language / "LC_MESSAGES" / "django.po"


def read(language: str) -> Catalog:
    """Return a language's catalog as stored in its file."""
    return read_po(io.BytesIO(po_file(language).read_bytes()), locale=language)


def brought_up_to_date(language: str, of: Catalogue) -> Catalogue:
    """Return a catalog of exactly these texts, with the existing translations of them.

    Args:
        language: the language of the catalog.
        of: the texts of the source.
    """
    had = read(language) if po_file(language).exists() else Catalog()
    now = Catalogue(language)
    now.header_comment = f"# drf-ratchet in {now.name}."
    for message in list(of)[1:]:
        old = had.get(message.id, message.context)
        # Keep no translation if a text gained or lost its plural form.
        kept = old and isinstance(old.id, str) == isinstance(message.id, str) and not old.fuzzy
        now.add(
            message.id,
            old.string if old and kept else None,
            locations=message.locations,
            flags=message.flags,
            context=message.context,
        )
    return now


def untranslated(catalogue: Catalog) -> list[str]:
    """Return the texts without a translation, or without a translation of every plural form."""
    return [
        _first(message)
        for message in list(catalogue)[1:]
        if not message.string or (isinstance(message.string, tuple) and not all(message.string))
    ]


def differing(catalogue: Catalog) -> list[str]:
    """Return the texts whose translation changes a placeholder, a setting or a command."""
    return [
        _first(message)
        for message in list(catalogue)[1:]
        for form in _forms(message.string or "")
        if form and _kept_as_it_is(form) != _kept_as_it_is(_forms(message.id)[-1])
    ]


def written(catalogue: Catalogue) -> bytes:
    """Return a catalog as the bytes of a .po file."""
    file = io.BytesIO()
    write_po(file, catalogue, width=100, sort_output=True, include_lineno=False)
    return file.getvalue()


def compiled(catalogue: Catalogue) -> bytes:
    """Return a catalog as the bytes of an .mo file, which gettext reads."""
    file = io.BytesIO()
    write_mo(file, catalogue)
    return file.getvalue()


def problems() -> list[str]:
    """Return what is missing from the catalogs or differs from the output of `make messages`."""
    found, source = [], texts()
    for language in languages():
        file, should = po_file(language), brought_up_to_date(language, source)
        is_in_file = {(_first(one), one.context) for one in list(read(language))[1:]}
        is_in_source = {(_first(one), one.context) for one in list(source)[1:]}
        found += [f"{language}: not there: {text!r}" for text, _ in is_in_source - is_in_file]
        found += [f"{language}: no longer used: {text!r}" for text, _ in is_in_file - is_in_source]
        found += [f"{language}: not translated: {text!r}" for text in untranslated(should)]
        found += [f"{language}: not the same placeholders: {text!r}" for text in differing(should)]
        if file.read_bytes() != written(should):
            found.append(f"{language}: django.po is not as `make messages` writes it")
        mo_file = file.with_suffix(".mo")
        if not mo_file.exists() or mo_file.read_bytes() != compiled(should):
            found.append(f"{language}: django.mo is not what django.po compiles to")
    return sorted(found)


def write(language: str, of: Catalogue) -> Catalogue:
    """Update the two files of a language and return its catalog.

    Args:
        language: the language of the catalog.
        of: the texts of the source.
    """
    catalogue, file = brought_up_to_date(language, of), po_file(language)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(written(catalogue))
    file.with_suffix(".mo").write_bytes(compiled(catalogue))
    return catalogue


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="make messages", description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing, list what is missing")
    parser.add_argument("--add", metavar="LANGUAGE", help="start a catalog: it, pt_BR, zh_Hant")
    chosen = parser.parse_args()
    if chosen.check:
        found = problems()
        print("\n".join(found) or f"Complete: {', '.join(languages())}")
        sys.exit(bool(found))
    source = texts()
    for language in sorted({*languages(), *([chosen.add] if chosen.add else [])}):
        missing = untranslated(write(language, source))
        print(f"{language}: {len(source)} texts, {len(missing)} to be translated")
        for text in missing:
            print(f"    {text}")


@cache
def _marked(path: Path) -> list[tuple[Any, str | None]]:
    """Return the marked texts of a file, each with its context."""
    code = path.read_text(encoding="utf-8")
    if path.suffix == ".html":
        # Django turns a template into calls of gettext, mixed with text that is not Python.
        lines = templatize(code).splitlines()
        code = "\n".join(line.strip() for line in lines)
    marked: Any = extract_python(io.BytesIO(code.encode()), KEYWORDS, (), {})
    found: list[tuple[Any, str | None]] = []
    for _, function, arguments, _ in marked:
        given = list(arguments) if isinstance(arguments, tuple) else [arguments]
        rule = KEYWORDS[function] or (1,)
        context, rest = None, rule
        if isinstance(rule[0], tuple):
            context, rest = given[0], rule[1:]
        wanted = [given[place - 1] for place in rest]
        if all(isinstance(text, str) and text for text in wanted):
            found.append((wanted[0] if len(wanted) == 1 else tuple(wanted), context))
    return found


def _forms(text: Any) -> list[str]:
    """Return a text, or each of its plural forms."""
    return [text] if isinstance(text, str) else list(text)


def _kept_as_it_is(text: str) -> list[str]:
    return sorted(_AS_IT_IS.findall(text))


def _first(message: Message) -> str:
    """Return the text of a message; the singular if it has a plural."""
    return message.id if isinstance(message.id, str) else message.id[0]


if __name__ == "__main__":
    main()
