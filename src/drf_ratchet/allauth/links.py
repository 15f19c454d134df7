"""Link Django sessions to ours, and end one when the other ends."""

import hashlib
from datetime import timedelta
from importlib import import_module
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase
from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from drf_ratchet.allauth.models import LinkedSession
from drf_ratchet.clock import Now
from drf_ratchet.models import Session
from drf_ratchet.sessions.database import write_database

#: Under this key a Django session contains the id of ours.
SID = "drf_ratchet_session"

_SPENT = "spent:"
_NO_END = timedelta(days=3650)


def every_link() -> QuerySet[LinkedSession]:
    """Return all links, in the database that sessions are written to."""
    return LinkedSession._base_manager.using(write_database())


def sid_of(django_session: Any) -> UUID | None:
    """Return the id of our session that a Django session contains; None if there is none.

    Args:
        django_session: a Django session, or None.
    """
    value = django_session.get(SID) if django_session is not None else None
    return UUID(value) if value else None


def link(django_session: SessionBase, session: Session) -> None:
    """Link a Django session that has a key to a new session of ours.

    From now on the Django session lives as long as ours can.

    Args:
        django_session: the caller saves it.
        session: the row.
    """
    lifetime = session.ends_at - session.created_at if session.ends_at else _NO_END
    django_session.set_expiry(lifetime)
    django_session[SID] = str(session.pk)
    every_link().create(session=session, session_key=_key_of(django_session))


def relink(django_session: SessionBase) -> None:
    """Store the key of a linked Django session again: Django changes it with the password.

    Args:
        django_session: any Django session that has a key.
    """
    sid = sid_of(django_session)
    if sid is not None:
        key = _key_of(django_session)
        every_link().filter(session_id=sid).exclude(session_key=key).update(session_key=key)


def is_active(django_session: SessionBase) -> bool:
    """Return whether a signed-in Django session is linked to an active session of its user.

    Args:
        django_session: a signed-in Django session.
    """
    sid = sid_of(django_session)
    return sid is not None and (
        every_link()
        .filter(
            session_id=sid,
            session_key=_key_of(django_session),
            session__user=django_session[SESSION_KEY],
            session__ended_at=None,
            session__expires_at__gt=Now(),
        )
        .exists()
    )


def session_of_key(key: str) -> Session | None:
    """Return our session by the key of its Django session, with its user; None if there is none.

    Args:
        key: the key of a Django session.
    """
    found = every_link().filter(session_key=key, session__isnull=False)
    linked = found.select_related("session__user").first()
    return None if linked is None else linked.session


def claim(key: str) -> LinkedSession | None:
    """Claim a Django session for an exchange. None if another request has claimed it.

    Args:
        key: the key of a Django session.
    """
    spent = _SPENT + hashlib.sha256(key.encode()).hexdigest()
    try:
        with transaction.atomic(using=write_database()):
            return every_link().create(session_key=spent)
    except IntegrityError:
        return None


def delete_django_session(linked: LinkedSession) -> None:
    """Delete the Django session of a link.

    Args:
        linked: the link, which is being deleted.
    """
    if not linked.session_key.startswith(_SPENT):
        import_module(settings.SESSION_ENGINE).SessionStore().delete(linked.session_key)


def _key_of(django_session: SessionBase) -> str:
    key: str | None = django_session.session_key
    if key is None:
        raise RuntimeError("The Django session has no key. Save it before it is linked.")
    return key
