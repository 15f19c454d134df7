"""The demo's settings with a service, for `tests.attacks.replay`.

Each response says in the header ``X-Queries`` how many database queries it took.
``REPLAY_OPTIONS`` is a JSON object of ``DRF_RATCHET`` options.
"""

import json
import os
from collections.abc import Callable
from typing import Any

from config.with_service import *  # noqa: F403
from config.with_service import DRF_RATCHET as DEMO
from config.with_service import MIDDLEWARE as BASE

DRF_RATCHET = {**DEMO, **json.loads(os.environ.get("REPLAY_OPTIONS", "{}"))}
MIDDLEWARE = [f"{__name__}.count_queries", *BASE]
# The demo silences the warning of a cache that each process has for itself.
SILENCED_SYSTEM_CHECKS = []


def count_queries(get_response: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Count the queries of each request, and say so in its response."""
    from django.db import connection

    def respond(request: Any) -> Any:
        queries = 0

        def count(execute: Callable[..., Any], *arguments: Any) -> Any:
            nonlocal queries
            queries += 1
            return execute(*arguments)

        with connection.execute_wrapper(count):
            response = get_response(request)
        response["X-Queries"] = str(queries)
        return response

    return respond
