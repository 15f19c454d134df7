"""The old packages' tables, to be read whether or not their apps are still installed.

Unmanaged models under an app label that nobody installs: no migration sees them, and deleting a
user asks nothing of them. Import this only once Django's apps are loaded.
"""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import connections, models, router
from django.db.models import Exists, OuterRef, QuerySet

from drf_ratchet.sessions.database import write_database
from drf_ratchet_compat.adopt.packages import OldPackage

_LABEL = "drf_ratchet_adopt"


class OutstandingToken(models.Model):
    """A refresh token that simplejwt has handed out."""

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="+",
    )
    jti = models.CharField(max_length=255)
    token = models.TextField()
    created_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()

    class Meta:
        app_label = _LABEL
        managed = False
        db_table = "token_blacklist_outstandingtoken"

    def __str__(self) -> str:
        return self.jti


class BlacklistedToken(models.Model):
    """One that it has taken back."""

    id = models.BigAutoField(primary_key=True)
    token = models.ForeignKey(
        OutstandingToken, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )

    class Meta:
        app_label = _LABEL
        managed = False
        db_table = "token_blacklist_blacklistedtoken"

    def __str__(self) -> str:
        return str(self.pk)


class DrfJwtBlacklistedToken(models.Model):
    """A token that drf-jwt has taken back."""

    id = models.AutoField(primary_key=True)
    expires_at = models.DateTimeField()

    class Meta:
        app_label = _LABEL
        managed = False
        db_table = "blacklist_blacklistedtoken"

    def __str__(self) -> str:
        return str(self.pk)


_MODELS: dict[str, type[models.Model]] = {
    model._meta.db_table: model
    for model in (OutstandingToken, BlacklistedToken, DrfJwtBlacklistedToken)
}


def database_of(package: OldPackage) -> str:
    """The alias of the database that the package's tables are in.

    Args:
        package: which one. Where its app is installed, the project's routers are asked about it.
    """
    for config in apps.get_app_configs():
        if package.is_within(config.name) and config.label == package.migrations:
            for model in config.get_models():
                alias: str = router.db_for_write(model)
                return alias
    return write_database()


def tables_of(package: OldPackage, alias: str) -> set[str]:
    """Those of the package's tables that exist. One query.

    Args:
        package: which one.
        alias: the database's.
    """
    connection = connections[alias]
    with connection.cursor() as cursor:
        return set(package.tables) & set(connection.introspection.table_names(cursor))


def row_count(table: str, alias: str) -> int:
    """How many rows one of the tables has. One query.

    Args:
        table: its name.
        alias: the database's.
    """
    return _MODELS[table]._base_manager.using(alias).count()


def last_expiry(package: OldPackage, alias: str) -> datetime | None:
    """When the last token that the package has noted expires, aware; None if it has noted none.

    Args:
        package: one whose first table exists.
        alias: the database's.
    """
    rows = _MODELS[next(iter(package.tables))]._base_manager.using(alias)
    last: datetime | None = aware(rows.aggregate(last=models.Max("expires_at"))["last"])
    return last


def living_tokens(now: datetime, alias: str, existing: Collection[str]) -> QuerySet[Any]:
    """simplejwt's refresh tokens that are somebody's, in no blacklist and not expired.

    Args:
        now: an aware datetime.
        alias: the database's.
        existing: which of the tables exist.
    """
    moment = now if settings.USE_TZ else now.astimezone(UTC).replace(tzinfo=None)
    tokens = OutstandingToken._base_manager.using(alias).filter(
        expires_at__gt=moment, user__isnull=False
    )
    if BlacklistedToken._meta.db_table not in existing:
        return tokens
    blacklisted = BlacklistedToken._base_manager.using(alias).filter(token=OuterRef("pk"))
    return tokens.filter(~Exists(blacklisted))


def aware(moment: Any) -> Any:
    """A datetime out of the tables, in UTC; None stays None.

    Args:
        moment: with ``USE_TZ = False`` simplejwt writes UTC without saying so.
    """
    if moment is not None and moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    return moment
