"""The sessions that have ended, as the rows of drf-jwt's blacklist."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from drf_ratchet.clock import process_now
from drf_ratchet.models import Session
from drf_ratchet.sessions import store
from drf_ratchet.sessions.store import prune
from drf_ratchet_compat.drf_jwt.models import is_blacklisted
from drf_ratchet_compat.drf_jwt.reading import Payload, read_token
from drf_ratchet_compat.drf_jwt.settings import api_settings
from drf_ratchet_compat.drf_jwt.signing_out import sign_out
from ratchet_tokens.claims import session_id
from ratchet_tokens.errors import TokenRefused

#: How long an ended session is kept, as ``manage.py ratchet prune`` keeps it.
KEPT = timedelta(days=30)


class BlacklistedTokenManager(models.Manager["BlacklistedToken"]):
    """Ended sessions alone."""

    def get_queryset(self) -> models.QuerySet["BlacklistedToken"]:
        """Those that have ended, of the kind whose one token is refreshed."""
        return super().get_queryset().filter(blacklisted_at__isnull=False, rotates=False)

    def create(self, **kwargs: Any) -> "BlacklistedToken":
        """End the session of a token.

        Args:
            kwargs: ``token``; what else drf-jwt had in a row is found out.

        Raises:
            InvalidTokenError: the token is refused.
        """
        return self.get(pk=sign_out(read_token(kwargs["token"], "immediate")))

    def get_or_create(self, *args: Any, **kwargs: Any) -> tuple["BlacklistedToken", bool]:
        """As ``create``: a token of a session that has ended is refused."""
        return self.create(**kwargs), True

    def delete_stale_tokens(self) -> int:
        """Delete sessions that are long over; how many."""
        return sum(prune(process_now() - KEPT))


class BlacklistedToken(models.Model):
    """An ended session. Read only; the token itself was never stored."""

    #: The session's id, which every token of it carries as ``sid``.
    id = models.UUIDField(primary_key=True, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("user"),
        on_delete=models.DO_NOTHING,
        null=True,
        related_name="+",
        db_constraint=False,
    )
    expires_at = models.DateTimeField(_("expires at"))
    blacklisted_at = models.DateTimeField(_("blacklisted at"), db_column="ended_at", null=True)
    rotates = models.BooleanField()

    objects = BlacklistedTokenManager()

    class Meta:
        managed = False
        db_table = Session._meta.db_table
        verbose_name = _("blacklisted token")
        verbose_name_plural = _("blacklisted tokens")

    def __str__(self) -> str:
        return _("Blacklisted token - %(user)s - %(expires_at)s") % {
            "user": self.user,
            "expires_at": self.expires_at,
        }

    @property
    def token_id(self) -> Any:
        """The session's id."""
        return self.id

    @property
    def token(self) -> None:
        """None: no token is stored."""
        return None

    @staticmethod
    def is_blocked(token: Any, payload: Mapping[str, Any]) -> bool:
        """Whether the session of a token has ended, or the old table has it.

        Args:
            token: the token.
            payload: what it says, verified or not.
        """
        if isinstance(payload, Payload):
            session = payload.session.session
        else:
            try:
                session = session_id(payload)
            except TokenRefused:
                return is_blacklisted(str(token), payload.get("orig_jti") or payload.get("jti"))
        return store.exists(session, ended_at__isnull=False)


def prune_if_asked() -> None:
    """One batch of ``delete_stale_tokens`` at each logout: ``JWT_DELETE_STALE_…``."""
    if api_settings.JWT_DELETE_STALE_BLACKLISTED_TOKENS:
        next(prune(process_now() - KEPT), None)
