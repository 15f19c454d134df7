"""Refusals of the API, as JSON."""

from typing import Any

from django.core.exceptions import SuspiciousOperation
from rest_framework.exceptions import ParseError
from rest_framework.response import Response
from rest_framework.views import exception_handler as drf_handler


def exception_handler(exc: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's handler, and an answer to the requests that Django itself refuses.

    A body that is too large, or has too many fields, would else be a page of HTML, and a traceback
    in the log for whoever cares to cause one.
    """
    if isinstance(exc, SuspiciousOperation):
        exc = ParseError("The request is too large or not well formed.")
    return drf_handler(exc, context)
