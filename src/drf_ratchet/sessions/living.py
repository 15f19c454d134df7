"""The user of a session, with what "immediate" asks of it."""

from typing import Any, NamedTuple
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db.models import F, Q, QuerySet

from drf_ratchet.clock import Now
from drf_ratchet.sessions.compiled import ANY_SESSION, is_plain, run_compiled
from drf_ratchet.sessions.database import write_database

#: What is read of the session beside the user, by the names it has on the instance.
_OF_THE_SESSION: dict[str, Any] = {
    "ratchet_ended_at": F("ratchet_sessions__ended_at"),
    "ratchet_end_reason": F("ratchet_sessions__end_reason"),
    "ratchet_in_time": Q(ratchet_sessions__expires_at__gt=Now()),
    "ratchet_fingerprint": F("ratchet_sessions__fingerprint"),
}


class Living(NamedTuple):
    """A user and a session, which may have ended all the same.

    Args:
        user: an instance of the user model.
        ended: whether something ended the session.
        end_reason: what, if so.
        in_time: whether it has not expired, by the database's clock.
        fingerprint: the password's, as the session has it.
    """

    user: Any
    ended: bool
    end_reason: str
    in_time: bool
    fingerprint: str


def find(session: UUID) -> Living | None:
    """The user of a session, ended or not; None if there is none. One query.

    Goes through the user model's default manager, so one that hides users keeps hiding them.

    Args:
        session: its id.
    """
    model, using = get_user_model(), write_database()
    if is_plain(model._default_manager):
        found = run_compiled(_any, model, using, session)
        if found is None:
            return None
        user, *read = found
    else:
        user = _users(model, using, session).first()
        if user is None:
            return None
        read = [vars(user).pop(name) for name in _OF_THE_SESSION]
    ended_at, end_reason, in_time, fingerprint = read
    return Living(user, ended_at is not None, end_reason, in_time, fingerprint)


def _users(model: Any, using: str, session: UUID) -> QuerySet[Any]:
    users = model._default_manager.using(using)
    found: QuerySet[Any] = users.filter(ratchet_sessions=session).annotate(**_OF_THE_SESSION)
    return found


def _any(model: Any, using: str) -> QuerySet[Any]:
    return _users(model, using, ANY_SESSION)
