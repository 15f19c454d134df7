"""A middleware of the served demo: writes down what came and what the answer was.

Scripts elsewhere see no answers, and what a browser's tools show of such requests is incomplete.
"""

import json
import sys
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

MARK = "SEEN "


def witness(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[..., HttpResponse]:
    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        data = getattr(response, "data", None)
        seen = {
            "method": request.method,
            "path": request.path,
            "origin": request.META.get("HTTP_ORIGIN"),
            "cookies": sorted(request.COOKIES),
            "status": response.status_code,
            "code": str(data.get("code")) if isinstance(data, dict) else None,
        }
        # In one piece: other threads write as well.
        sys.stderr.write(f"{MARK}{json.dumps(seen)}\n")
        sys.stderr.flush()
        return response

    return middleware
