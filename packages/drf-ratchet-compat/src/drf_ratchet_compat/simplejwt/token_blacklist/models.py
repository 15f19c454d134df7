"""``OutstandingToken`` and ``BlacklistedToken`` over the table of sessions.

A session is one refresh token, however often that was turned: its row is its outstanding token, and
once it has ended its blacklisted token too. What is read is read from there; blacklisting ends the
session.
"""

from collections.abc import Iterable
from typing import Any, NoReturn
from uuid import UUID

from django.apps import apps
from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from drf_ratchet.models import Session
from drf_ratchet.sessions import store
from drf_ratchet.sessions.end_reasons import EndReason
from drf_ratchet.sessions.grant import mint_refresh
from drf_ratchet_compat.ending import end

APP = "drf_ratchet_compat.simplejwt.token_blacklist"
_TABLE = Session._meta.db_table


def is_installed() -> bool:
    """Whether the project has the app."""
    return apps.is_installed(APP)


class JTIField(models.UUIDField):  # type: ignore[type-arg]
    """The session's id as simplejwt writes a ``jti``: 32 hexadecimal digits.

    Whatever else it is compared with is no session's.
    """

    def from_db_value(self, value: UUID | None, *args: Any) -> str | None:
        """The digits."""
        return None if value is None else value.hex

    def to_python(self, value: Any) -> Any:
        """The digits."""
        return value.hex if isinstance(value, UUID) else value

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        """As the column has it."""
        try:
            known = value if value is None or isinstance(value, UUID) else UUID(str(value))
        except ValueError:
            known = UUID(int=0)
        return super().get_db_prep_value(known, connection, prepared)


class OutstandingQuerySet(models.QuerySet["OutstandingToken"]):
    """Rows are read. Deleting signs out what they stand for, and leaves them to be pruned."""

    def delete(self) -> tuple[int, dict[str, int]]:
        """End each one's session; how many there were."""
        tokens = list(self)
        for token in tokens:
            end(token.session, reason=EndReason.REVOKED)
        return len(tokens), {OutstandingToken._meta.label: len(tokens)}

    delete.queryset_only = True  # type: ignore[attr-defined]


class OutstandingToken(models.Model):
    """A session: one refresh token, whatever its generation."""

    jti = JTIField(primary_key=True, db_column="id")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("user"),
        on_delete=models.DO_NOTHING,
        null=True,
        blank=True,
    )
    created_at = models.DateTimeField(_("created at"), null=True, blank=True)
    expires_at = models.DateTimeField(_("expires at"))

    objects = OutstandingQuerySet.as_manager()

    class Meta:
        verbose_name = _("Outstanding Token")
        verbose_name_plural = _("Outstanding Tokens")
        managed = False
        db_table = _TABLE
        abstract = APP not in settings.INSTALLED_APPS
        ordering = ("user",)

    def __str__(self) -> str:
        return _("Token for %(user)s (%(jti)s)") % {"user": self.user, "jti": self.jti}

    def save(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Sessions are opened by signing in.

        Raises:
            NotImplementedError: always.
        """
        raise NotImplementedError("Sessions are opened by RefreshToken.for_user(user).")

    @property
    def id(self) -> str:
        """As ``jti``."""
        return str(self.jti)

    @property
    def session(self) -> Session:
        """The session it is the row of."""
        session = store.get(UUID(self.jti))
        if session is None:
            raise Session.DoesNotExist
        return session

    @property
    def token(self) -> str:
        """The refresh token as it stands: made anew, since none is stored.

        For code that ends sessions with ``RefreshToken(row.token).blacklist()``. It signs in
        whoever has it.
        """
        session = self.session
        return mint_refresh(session.user, session) if session.user is not None else ""

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """End the session."""
        end(self.session, reason=EndReason.REVOKED)
        return 1, {self._meta.label: 1}


class BlacklistedManager(models.Manager["BlacklistedToken"]):
    """Sessions that have ended."""

    def get_queryset(self) -> Any:
        """Those alone."""
        return super().get_queryset().filter(blacklisted_at__isnull=False)

    def bulk_create(self, objs: Iterable[Any], *args: Any, **kwargs: Any) -> list[Any]:
        """End each one's session."""
        rows = list(objs)
        for blacklisted in rows:
            blacklisted.save()
        return rows


class BlacklistedToken(models.Model):
    """A session that has ended. Creating one ends it."""

    token = models.OneToOneField(
        OutstandingToken,
        verbose_name=_("token"),
        on_delete=models.DO_NOTHING,
        primary_key=True,
        db_column="id",
    )
    blacklisted_at = models.DateTimeField(_("blacklisted at"), db_column="ended_at", null=True)

    objects = BlacklistedManager()

    class Meta:
        verbose_name = _("Blacklisted Token")
        verbose_name_plural = _("Blacklisted Tokens")
        managed = False
        db_table = _TABLE
        abstract = APP not in settings.INSTALLED_APPS

    def __str__(self) -> str:
        return _("Blacklisted token for %(user)s") % {"user": self.token.user}

    def save(self, *args: Any, **kwargs: Any) -> None:
        """End the session of ``token``."""
        session = self.token.session
        end(session)
        session.refresh_from_db(fields=["ended_at"])
        self.blacklisted_at = session.ended_at
        self._state.adding = False

    @property
    def id(self) -> str:
        """As its token's."""
        return str(self.pk)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Nothing un-ends.

        Raises:
            NotImplementedError: always.
        """
        raise NotImplementedError("A session that has ended stays ended: sign in again.")
