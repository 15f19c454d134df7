"""Exception handlers as projects write them."""

from typing import Any

from rest_framework.exceptions import APIException
from rest_framework.response import Response
from rest_framework.views import exception_handler


def with_codes(exc: Exception, context: dict[str, Any]) -> Response | None:
    """Say the codes too, by DRF's own two methods."""
    response = exception_handler(exc, context)
    if response is not None and isinstance(exc, APIException):
        response.data = {
            "body": response.data,
            "codes": exc.get_codes(),
            "full": exc.get_full_details(),
        }
    return response
