"""The old package's blacklist, for as long as its table is there."""

from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db import DatabaseError, connections, models

from drf_ratchet.sessions.database import write_database
from drf_ratchet.tenants import refresh_issuer_for


class OldBlacklistedToken(models.Model):
    """A row of drf-jwt's table; its user is of no interest here. Never written."""

    token = models.TextField(null=True)  # noqa: DJ001 (the table is as it is)
    token_id = models.UUIDField(null=True)

    class Meta:
        managed = False
        db_table = "blacklist_blacklistedtoken"

    def __str__(self) -> str:
        return str(self.token_id or self.pk)


def is_blacklisted(token: str, token_id: Any, *, request: Any = None) -> bool:
    """Whether the old package has this token, or the first of its family, in its blacklist.

    Args:
        token: an old token, verified.
        token_id: its ``orig_jti`` or ``jti``; None for none.
        request: the request that brought it. One tenant may have the table and another not.
    """
    using = write_database()
    tenant = refresh_issuer_for(request)
    columns = _columns(using, tenant)
    if not columns:
        return False
    named = models.Q(token=token)
    number = _as_uuid(token_id)
    if number is not None and "token_id" in columns:
        named |= models.Q(token_id=number)
    try:
        return OldBlacklistedToken._base_manager.using(using).filter(named).exists()
    except DatabaseError:
        _columns.cache_clear()
        if _columns(using, tenant):
            raise
        return False  # the table was dropped while we ran


@lru_cache(maxsize=1024)
def _columns(using: str, tenant: str | None) -> frozenset[str]:
    """The table's columns; empty where there is no such table. Old releases had no ``token_id``."""
    connection = connections[using]
    table = OldBlacklistedToken._meta.db_table
    with connection.cursor() as cursor:
        if table not in connection.introspection.table_names(cursor):
            return frozenset()
        described = connection.introspection.get_table_description(cursor, table)
    return frozenset(column.name for column in described)


def _as_uuid(token_id: Any) -> UUID | None:
    try:
        return UUID(token_id)
    except (ValueError, TypeError, AttributeError):
        return None
