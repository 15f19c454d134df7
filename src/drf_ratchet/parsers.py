"""Parsers that answer hostile bodies with a 4xx, where DRF's answer with a 500."""

import codecs
from collections.abc import Iterator, Mapping
from io import BytesIO
from math import isfinite
from typing import IO, Any

from django.conf import settings
from django.core.files.uploadhandler import FileUploadHandler
from django.utils.translation import gettext_lazy as _
from rest_framework import parsers, serializers
from rest_framework.exceptions import ParseError, ValidationError

from drf_ratchet.bounds import declared_size, max_body_size
from drf_ratchet.exceptions import BodyTooLarge


class BoundedParser(parsers.BaseParser):
    """Hand a body on to another parser, if it is no longer than our endpoints take and no file.

    Args:
        parser: the one that parses it: any of DRF's, of ours or of a project's own.
    """

    def __init__(self, parser: parsers.BaseParser) -> None:
        self.parser = parser
        self.media_type = parser.media_type

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return what the other parser makes of the body.

        Raises:
            BodyTooLarge: it is longer than ``max_body_size``. It is not read.
            ParseError: the request says a charset that is none, or one that is slow to decode.
            ValidationError: a part of it is a file. Nothing is written to a disk.
        """
        context = dict(parser_context or {})
        request: Any = context["request"]
        limit = max_body_size(context.get("view"))
        if declared_size(request) > limit:
            raise BodyTooLarge
        body: bytes = request.body  # kept by Django, for whatever looks at it later
        if len(body) > limit:
            raise BodyTooLarge
        http = request._request
        _check_charset(context)
        if not hasattr(http, "_files"):  # a middleware may have parsed it
            http.upload_handlers = [_NoFiles(http)]
        return self.parser.parse(BytesIO(body), media_type, context)


class _NoFiles(FileUploadHandler):
    """Refuses a file before any of it is read."""

    def new_file(self, field_name: str, *args: Any, **kwargs: Any) -> None:
        """Refuse it, as a serializer refuses what is no text.

        Raises:
            ValidationError: always.
        """
        short = field_name if field_name.isidentifier() and len(field_name) <= 64 else "file"
        text = serializers.CharField.default_error_messages["invalid"]
        raise ValidationError({short: [text]}, code="invalid")

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        """Never called."""
        return raw_data

    def file_complete(self, file_size: int) -> None:
        """Never called."""


class JSONParser(parsers.JSONParser):
    """DRF's, with four answers that it or its older releases lack.

    To deep nesting, to infinity, to a body without end (the bound is Django's
    ``DATA_UPLOAD_MAX_MEMORY_SIZE``, in bytes), and to a charset that is a compression: a short
    body would become a very long one.
    """

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """The parsed body.

        Raises:
            ParseError: it is not JSON, not in the charset it says, nested too deeply, or has a
                number that is none.
            BodyTooLarge: it is longer than ``DATA_UPLOAD_MAX_MEMORY_SIZE``.
        """
        context = dict(parser_context or {})
        _check_charset(context)
        try:
            parsed = super().parse(_bounded(stream), media_type, context)
        except RecursionError:
            raise ParseError(_("The JSON is nested too deeply.")) from None
        if not all(map(isfinite, _floats(parsed))):
            raise ParseError(_("The JSON has a number that is too large."))
        return parsed


def _bounded(stream: IO[Any]) -> BytesIO:
    """The body, read no further than it may be long."""
    limit: int | None = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    body = stream.read() if limit is None else stream.read(limit + 1)
    if limit is not None and len(body) > limit:
        raise BodyTooLarge
    return BytesIO(body)


def _check_charset(parser_context: Mapping[str, Any]) -> None:
    """Look at the charset that a request says, before anything is decoded by it.

    Raises:
        ParseError: Python does not know it, it is no encoding of text (bz2, hex), or it is one of
            Python's own. Decoding 128 KB of punycode takes a second, and 1 MB takes a minute.
    """
    charset = parser_context.get("encoding", settings.DEFAULT_CHARSET)
    try:
        "".encode(charset)
        is_text = codecs.lookup(charset).name.replace("-", "_") not in _OF_PYTHON
    except (LookupError, UnicodeError):
        is_text = False
    if not is_text:
        raise _other_charset()


#: https://docs.python.org/3/library/codecs.html#python-specific-encodings
_OF_PYTHON = frozenset(
    {"idna", "mbcs", "oem", "palmos", "punycode", "raw_unicode_escape", "undefined"}
    | {"unicode_escape"}
)


def _other_charset() -> ParseError:
    return ParseError(_("The body is not in the charset it says."))


def _floats(parsed: Any) -> Iterator[float]:
    """All that are anywhere inside. Python reads 1e400 as infinity, and strict DRF too."""
    left = [parsed]
    while left:
        value = left.pop()
        if isinstance(value, float):
            yield value
        elif isinstance(value, dict):
            left.extend(value.values())
        elif isinstance(value, list):
            left.extend(value)


class _AnyForm:
    """The request names the charset, and Python knows some that fail in ways of their own.

    And what Django says of a malformed form repeats parts of its header.
    """

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """The parsed form.

        Raises:
            ParseError: it is malformed, or not in the charset it says.
        """
        parser: Any = super()
        context = dict(parser_context or {})
        _check_charset(context)
        try:
            return parser.parse(stream, media_type, context)
        except (UnicodeError, LookupError):
            raise _other_charset() from None
        except ParseError:
            raise ParseError(_("The form is malformed.")) from None


class FormParser(_AnyForm, parsers.FormParser):
    """DRF's, for any charset, and bounded as JSON is: not every DRF does it for forms."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """The parsed form.

        Raises:
            ParseError: it is malformed, or not in the charset it says.
            BodyTooLarge: it is longer than ``DATA_UPLOAD_MAX_MEMORY_SIZE``.
        """
        return super().parse(_bounded(stream), media_type, parser_context)


class MultiPartParser(_AnyForm, parsers.MultiPartParser):
    """DRF's, for any charset."""
