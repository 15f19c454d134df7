"""Parsers that respond to hostile bodies with a 4xx, where DRF's respond with a 500."""

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
    """Passes a body to another parser, if it is within the limits of our endpoints and has no file.

    Args:
        parser: the parser to use: one of DRF's, of ours or of a project's own.
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
        """Return the body as the other parser parses it.

        Raises:
            BodyTooLarge: the body is longer than ``max_body_size``. It is not read.
            ParseError: the request declares an unknown charset, or one that is slow to decode.
            ValidationError: a part of the body is a file. Nothing is written to disk.
        """
        context = dict(parser_context or {})
        request = context["request"]
        limit = max_body_size(context.get("view"))
        if declared_size(request) > limit:
            raise BodyTooLarge
        body: bytes = request.body  # Django keeps it for later readers
        if len(body) > limit:
            raise BodyTooLarge
        http = request._request
        _check_charset(context)
        if not hasattr(http, "_files"):  # middleware may have parsed it already
            http.upload_handlers = [_NoFiles(http)]
        return self.parser.parse(BytesIO(body), media_type, context)


class _NoFiles(FileUploadHandler):
    """Refuses a file before any of it is read."""

    def new_file(self, field_name: str, *args: Any, **kwargs: Any) -> None:
        """Refuse a file, as a serializer refuses a value that is no text.

        Raises:
            ValidationError: always.
        """
        short = field_name if field_name.isidentifier() and len(field_name) <= 64 else "file"
        text = serializers.CharField.default_error_messages["invalid"]
        raise ValidationError({short: [text]}, code="invalid")

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        """Return the data unchanged; never called, because ``new_file`` raises."""
        return raw_data

    def file_complete(self, file_size: int) -> None:
        """Do nothing; never called, because ``new_file`` raises."""


class JSONParser(parsers.JSONParser):
    """DRF's JSON parser, which also refuses four kinds of bodies with a 4xx.

    They are deep nesting, infinity, a body longer than ``DATA_UPLOAD_MAX_MEMORY_SIZE`` (bytes), and
    a charset that is a compression. Such a charset would expand a short body to a very long one.
    DRF's parser, or an older release of it, does not handle them.
    """

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return the parsed body.

        Raises:
            ParseError: the body is not JSON, not in the charset it declares, nested too deeply, or
                has an infinite number.
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
    """Return the body, reading no more of it than is allowed."""
    limit: int | None = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    body = stream.read() if limit is None else stream.read(limit + 1)
    if limit is not None and len(body) > limit:
        raise BodyTooLarge
    return BytesIO(body)


def _check_charset(parser_context: Mapping[str, Any]) -> None:
    """Refuse a charset that the request declares, before anything is decoded by it.

    Raises:
        ParseError: Python does not know it, it encodes no text (bz2, hex), or it is one of Python's
            own. Decoding 128 KB of punycode takes a second, and 1 MB a minute.
    """
    charset = parser_context.get("encoding", settings.DEFAULT_CHARSET)
    try:
        "".encode(charset)
        is_text = codecs.lookup(charset).name.replace("-", "_") not in _OF_PYTHON
    except (LookupError, UnicodeError):
        is_text = False
    if not is_text:
        raise _other_charset()


#: Python's own encodings: https://docs.python.org/3/library/codecs.html#python-specific-encodings
_OF_PYTHON = frozenset(
    {"idna", "mbcs", "oem", "palmos", "punycode", "raw_unicode_escape", "undefined"}
    | {"unicode_escape"}
)


def _other_charset() -> ParseError:
    return ParseError(_("The body is not in the charset it says."))


def _floats(parsed: object) -> Iterator[float]:
    """Yield every float, at any depth. Python reads 1e400 as infinity, and so does strict DRF."""
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
    """Refuses a form that is malformed or in an unusable charset.

    The request names the charset. Python knows some that fail with errors of their own. Django's
    message about a malformed form would repeat parts of its header.
    """

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return the parsed form.

        Raises:
            ParseError: the form is malformed, or not in the charset it declares.
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
    """DRF's form parser, for any charset, with the size limit that some DRF releases lack."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return the parsed form.

        Raises:
            ParseError: the form is malformed, or not in the charset it declares.
            BodyTooLarge: it is longer than ``DATA_UPLOAD_MAX_MEMORY_SIZE``.
        """
        return super().parse(_bounded(stream), media_type, parser_context)


class MultiPartParser(_AnyForm, parsers.MultiPartParser):
    """DRF's multipart parser, for any charset."""
