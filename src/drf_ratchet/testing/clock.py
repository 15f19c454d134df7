"""One clock for a test: the database uses this process's time.

Rows are written and compared by the database's clock, tokens are verified by the process's. A test
that sets the process's time (``travel``, freezegun, time-machine) does not change the database's.
Within ``one_clock()`` each statement carries the process's time instead.

The rest of the package does not know about this module.
"""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from django.conf import settings
from django.core.signals import setting_changed
from django.db.models import DateTimeField, Expression, Value
from django.db.models.expressions import DatabaseDefault
from django.db.models.functions import Cast
from django.db.models.signals import pre_save

from drf_ratchet.clock import Now, process_now, stored
from drf_ratchet.conf import NAME
from drf_ratchet.models import Session
from drf_ratchet.sessions import compiled


class _Replaced:
    """The patches in effect, and the number of blocks that need them."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.blocks = 0
        self.put_back = ExitStack()


_replaced = _Replaced()


@contextmanager
def one_clock() -> Iterator[None]:
    """Use the process's clock instead of the database's, in all threads, until the block ends.

    Use it in tests that set the time by freezegun or time-machine; ``travel`` includes it. Blocks
    may be nested. The columns' defaults in the database's schema do not change.
    """
    with _replaced.lock:
        if not _replaced.blocks:
            _replace(_replaced.put_back)
        _replaced.blocks += 1
    try:
        yield
    finally:
        with _replaced.lock:
            _replaced.blocks -= 1
            if not _replaced.blocks:
                _replaced.put_back.close()


def start_afresh() -> None:
    """Clear the process's caches: the feed, compiled statements, keys.

    Sends the signal of a changed setting, on which every cache of the package is cleared.
    """
    value = getattr(settings, NAME, {})
    setting_changed.send(sender=one_clock, setting=NAME, value=value, enter=True)


def _replace(put_back: ExitStack) -> None:
    put_back.callback(start_afresh)  # runs last
    # Django resolves the expressions of a query, but not the default in a table's definition. So
    # a table created within the block still gets the database's clock.
    put_back.enter_context(patch.object(Now, "resolve_expression", _resolve))
    # A compiled statement would contain the moment at which it was compiled.
    put_back.enter_context(patch.object(compiled, "LIMIT", 0))
    pre_save.connect(_stamp, sender=Session, dispatch_uid=__name__)
    put_back.callback(pre_save.disconnect, sender=Session, dispatch_uid=__name__)
    start_afresh()


def _resolve(self: Now, query: object = None, *args: Any, **kwargs: Any) -> Any:
    return _ProcessNow().resolve_expression(query, *args, **kwargs)


class _ProcessNow(Expression):
    """The moment at which a statement is compiled, the same throughout the statement."""

    output_field = DateTimeField()

    def as_sql(self, compiler: Any, connection: Any, **extra_context: Any) -> Any:
        moment = vars(compiler).setdefault("_ratchet_moment", process_now())
        value = Value(stored(moment, connection.alias), DateTimeField())
        return compiler.compile(Cast(value, DateTimeField()))


def _stamp(instance: Session, raw: bool, **kwargs: Any) -> None:
    """Set the columns that the database would fill from its own clock to the process's time."""
    for field in () if raw else Session._meta.concrete_fields:
        if isinstance(getattr(instance, field.attname), DatabaseDefault):
            setattr(instance, field.attname, Now())
