"""One clock for a test: what the database would stamp and compare is this process's time.

Rows are stamped and read by the database's clock, tokens are verified by the process's. Whatever
sets the time of the process in a test (``travel``, freezegun, time-machine) does not reach the
database. Within ``one_clock()`` each statement carries the process's time with it instead.

Only this module does that, and only in a process that calls it: nothing in the rest of the package
asks whether it is so.
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
    """What was put in place of the rest of the package's, and how many blocks need it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.blocks = 0
        self.put_back = ExitStack()


_replaced = _Replaced()


@contextmanager
def one_clock() -> Iterator[None]:
    """Let the database's clock be the process's, for all threads, until the block ends.

    For tests that set the time by freezegun or time-machine; ``travel`` does it by itself. Blocks
    may be nested. The columns' defaults in the database's schema stay what they are.
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
    """Throw away what the process has kept for some time: the feed, statements, keys.

    As a change of the setting does, which is how they hear of it.
    """
    value = getattr(settings, NAME, {})
    setting_changed.send(sender=one_clock, setting=NAME, value=value, enter=True)


def _replace(put_back: ExitStack) -> None:
    put_back.callback(start_afresh)  # at last
    # Resolved is what goes into a query. A default in a table's definition is not: a table that is
    # made meanwhile gets the database's clock.
    put_back.enter_context(patch.object(Now, "resolve_expression", _resolve))
    # A statement holds the moment it was written at.
    put_back.enter_context(patch.object(compiled, "LIMIT", 0))
    pre_save.connect(_stamp, sender=Session, dispatch_uid=__name__)
    put_back.callback(pre_save.disconnect, sender=Session, dispatch_uid=__name__)
    start_afresh()


def _resolve(self: Now, query: Any = None, *args: Any, **kwargs: Any) -> Any:
    return _ProcessNow().resolve_expression(query, *args, **kwargs)


class _ProcessNow(Expression):
    """The moment at which a statement is written. One for all of it, as the database's is."""

    output_field = DateTimeField()

    def as_sql(self, compiler: Any, connection: Any, **extra_context: Any) -> Any:
        moment = vars(compiler).setdefault("_ratchet_moment", process_now())
        value = Value(stored(moment, connection.alias), DateTimeField())
        return compiler.compile(Cast(value, DateTimeField()))


def _stamp(instance: Session, raw: bool, **kwargs: Any) -> None:
    """Give the columns that the database fills from its own clock the process's."""
    for field in () if raw else Session._meta.concrete_fields:
        if isinstance(getattr(instance, field.attname), DatabaseDefault):
            setattr(instance, field.attname, Now())
