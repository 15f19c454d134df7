"""The request that runs now, and what has to happen at its end.

simplejwt's token classes do not know of requests. Django's signals and DRF's ``APIView`` tell when
one begins and ends.
"""

from collections.abc import Callable
from io import BytesIO
from typing import Any

from asgiref.local import Local
from django.core.handlers.asgi import ASGIRequest
from django.core.handlers.wsgi import WSGIRequest
from django.core.signals import request_finished, request_started
from django.utils.functional import SimpleLazyObject

from drf_ratchet_compat.simplejwt.event_loop import off_the_loop

_local = Local()


class CurrentRequest:
    """One request, from its first line to its response.

    Args:
        request: Django's or DRF's, or a lazy one.
        by_view: whether a DRF view began it. Without a server no signal tells of it; in ASGI Django
            sends ``request_started`` in a task of its own, whose local data the view does not see.
    """

    def __init__(self, request: Any, *, by_view: bool = False) -> None:
        self.request = request
        self.by_view = by_view
        #: Called once each, when the view has made its response.
        self.at_response: list[Callable[[], None]] = []
        #: Called once each, when the request's transactions are over.
        self.at_end: list[Callable[[], None]] = []


def current_request() -> CurrentRequest | None:
    """Return the request that runs in this thread or task; None outside of one."""
    found: CurrentRequest | None = getattr(_local, "request", None)
    return found


def watch() -> None:
    """Connect to Django's signals."""
    request_started.connect(_begin, dispatch_uid="drf_ratchet_compat.simplejwt")
    request_finished.connect(_finish, dispatch_uid="drf_ratchet_compat.simplejwt")


def _begin(environ: Any = None, scope: Any = None, **kwargs: Any) -> None:
    def request() -> Any:
        return WSGIRequest(environ) if scope is None else ASGIRequest(scope, BytesIO())

    _local.request = CurrentRequest(SimpleLazyObject(request))


def _finish(**kwargs: Any) -> None:
    current = current_request()
    if current is not None:
        _local.request = None
        run(current.at_response)
        run(current.at_end)


def begin_view(plain: Any, self: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
    """Replace ``APIView.initialize_request``: remember the request."""
    made = plain(self, request, *args, **kwargs)
    current = current_request()
    if current is None:
        _local.request = CurrentRequest(request, by_view=True)
    else:
        current.request = request
    return made


def end_view(plain: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
    """Replace ``APIView.finalize_response``: do what was put off until the view has answered."""
    current = current_request()
    if current is None:
        return plain(self, *args, **kwargs)
    run(current.at_response)
    if not current.by_view:
        return plain(self, *args, **kwargs)
    _local.request = None
    if not isinstance(current.request, ASGIRequest):
        run(current.at_end)
        return plain(self, *args, **kwargs)
    response = plain(self, *args, **kwargs)
    _at_close(response, current.at_end)
    return response


def _at_close(response: Any, calls: list[Callable[[], None]]) -> None:
    """Call functions when the server closes a response: a transaction of the request is over."""
    if not calls:
        return
    plain = response.close

    def close() -> None:
        try:
            run(calls)
        finally:
            plain()

    response.close = close


def run(calls: list[Callable[[], None]]) -> None:
    """Call each function of a list once. Async views of DRF finish in the event loop.

    Args:
        calls: the list, which is emptied.
    """

    def call_each() -> None:
        while calls:
            calls.pop(0)()

    if calls:
        off_the_loop(call_each)
