"""Check ``DATABASE_ROUTERS``: users and sessions must be in one database."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from django.contrib.auth import get_user_model
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ImproperlyConfigured
from django.db import router

from drf_ratchet.checks.settings import usable_settings

APP = "drf_ratchet"


@register(Tags.security)
def check_databases(**kwargs: Any) -> list[CheckMessage]:
    """Report E013: the routers separate users from sessions, or forbid their tables."""
    return [Error(found.problem, hint=found.hint, id="ratchet.E013") for found in misrouted()]


class Misrouted(NamedTuple):
    """A decision of the routers that makes sign-in impossible.

    Args:
        problem: what is wrong.
        hint: which router method has to return what.
    """

    problem: str
    hint: str


def misrouted() -> Iterator[Misrouted]:
    """Yield each problem with the routers; none if the service has no sessions.

    A router may send reads to a replica: sessions are always read from the database that they are
    written to.
    """
    if usable_settings().USER == "claims":
        return
    try:
        found = list(_misrouted())
    except Exception:
        # A router is the project's code and may need a request.
        return
    yield from found


def _misrouted() -> Iterator[Misrouted]:
    from drf_ratchet.models import CutOff, Session

    try:
        users = get_user_model()
    except ImproperlyConfigured:
        return  # Django's own check reports it
    of_users, of_sessions = router.db_for_write(users), router.db_for_write(Session)
    if of_users != of_sessions:
        yield Misrouted(
            f"Users ({users._meta.label}) are written to the database {of_users!r}, and sessions "
            f"(the app {APP!r}) to {of_sessions!r}: a request cannot join their tables.",
            f"In DATABASE_ROUTERS, let db_for_write return {of_users!r} for the app {APP!r}, and "
            f"allow_migrate return True there. Then run manage.py migrate --database {of_users}.",
        )
        return
    if router.db_for_write(CutOff) != of_sessions:
        yield Misrouted(
            f"The models of the app {APP!r} are written to different databases.",
            f"In DATABASE_ROUTERS, let db_for_write return {of_sessions!r} for all of them.",
        )
    for model in (Session, CutOff):
        if not router.allow_migrate_model(of_sessions, model):
            yield Misrouted(
                f"{model._meta.label} is written to the database {of_sessions!r}, and "
                "allow_migrate forbids its table there.",
                f"In DATABASE_ROUTERS, let allow_migrate return True for {of_sessions!r} and the "
                f"app {APP!r}. Then run manage.py migrate --database {of_sessions}.",
            )
            return
    if not _may_relate(users, Session, router.db_for_read(users), of_sessions):
        yield Misrouted(
            f"Users ({users._meta.label}) are read from the database {router.db_for_read(users)!r} "
            f"and sessions are written to {of_sessions!r}, and allow_relation forbids a relation "
            "between them: every sign-in fails.",
            "In DATABASE_ROUTERS, let allow_relation return True for objects of the two databases, "
            "as a router for a replica does.",
        )


def _may_relate(users: Any, sessions: Any, of_user: str, of_session: str) -> bool:
    user, session = users(), sessions()
    user._state.db, session._state.db = of_user, of_session
    return router.allow_relation(user, session)
