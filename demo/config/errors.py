"""The exception handler of the API, which returns JSON for all refusals."""

from typing import Any

from django.core.exceptions import SuspiciousOperation
from rest_framework.exceptions import ParseError
from rest_framework.response import Response
from rest_framework.views import exception_handler as drf_handler


def exception_handler(exc: Exception, context: dict[str, Any]) -> Response | None:
    """Handle exceptions as DRF does, and also those of requests that Django refuses.

    Otherwise a body that is too large, or has too many fields, would cause an HTML page and a
    traceback in the log.
    """
    if isinstance(exc, SuspiciousOperation):
        exc = ParseError("The request is too large or not well formed.")
    return drf_handler(exc, context)
