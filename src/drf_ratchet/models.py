"""The tables: a row per signed-in device, and cut-offs that end many sessions at once."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from drf_ratchet.clock import Now
from drf_ratchet.ids import uuid7


class Session(models.Model):
    """One signed-in device. Its refresh token is the pair (id, generation), signed.

    Not swappable: to extend it, point a ``OneToOneField`` at it. Only ``sessions.store`` writes
    rows. If other code changes ``generation``, tokens in use look replayed.

    A refresh stays a heap-only (HOT) update on PostgreSQL while no column that it writes is
    indexed. So there is no index on ``expires_at``, ``rotated_at`` or ``generation``.
    """

    #: UUIDv7 (RFC 9562): new rows are at the end of the index, and the id contains the time.
    id = models.UUIDField(_("session"), primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("user"),
        # A deleted user's sessions must be kept as long as their access tokens are valid.
        on_delete=models.SET_NULL,
        null=True,
        related_name="ratchet_sessions",
        editable=False,
    )
    generation = models.PositiveBigIntegerField(_("generation"), default=1, editable=False)
    rotates = models.BooleanField(_("rotates"), default=True, editable=False)
    # The database's clock is the same for all processes, and for later reads of the row.
    created_at = models.DateTimeField(_("signed in"), db_default=Now(), editable=False)
    auth_time = models.DateTimeField(_("proved identity"), db_default=Now(), editable=False)
    #: How the user authenticated at ``auth_time``: values of RFC 8176, separated by spaces.
    #: The database has the default too: old processes insert while a new release is rolled out.
    amr = models.CharField(
        _("authentication methods"), max_length=100, default="", db_default="", editable=False
    )
    rotated_at = models.DateTimeField(_("last refreshed"), db_default=Now(), editable=False)
    #: Extended by each refresh, never past ``ends_at``.
    expires_at = models.DateTimeField(_("expires"), editable=False)
    #: The absolute end, which no refresh extends.
    ends_at = models.DateTimeField(_("ends at the latest"), null=True, editable=False)
    ended_at = models.DateTimeField(_("ended"), null=True, editable=False)
    #: When the ending was announced to the feed; null if a cut-off announces it.
    announced_at = models.DateTimeField(null=True, db_index=True, editable=False)
    #: Not pruned before: a token that needs the row may still be used. Null for no limit of its
    #: own.
    kept_until = models.DateTimeField(null=True, editable=False)
    end_reason = models.CharField(_("reason of ending"), max_length=32, default="", editable=False)
    fingerprint = models.CharField(max_length=80, default="", editable=False)
    idempotency_key_hash = models.CharField(max_length=64, default="", editable=False)
    user_agent = models.CharField(_("user agent"), max_length=200, default="", editable=False)
    ip = models.GenericIPAddressField(
        pgettext_lazy("session", "address"), null=True, editable=False
    )

    class Meta:
        verbose_name = _("session")
        verbose_name_plural = _("sessions")

    def __str__(self) -> str:
        return str(self.id)


class CutOff(models.Model):
    """The ending of many sessions at once: all up to an id, which contains their time.

    The rows are ended too; the feed carries the cut-off in their place.
    """

    last_session = models.UUIDField(editable=False)
    #: The one session up to ``last_session`` that stays active, for example on the device that
    #: changed the password.
    kept_session = models.UUIDField(null=True, editable=False)
    #: The user's ``sub`` claim; "" for all users.
    subject = models.CharField(max_length=255, default="", editable=False)
    announced_at = models.DateTimeField(db_default=Now(), db_index=True, editable=False)

    class Meta:
        verbose_name = _("cut-off")
        verbose_name_plural = _("cut-offs")

    def __str__(self) -> str:
        return f"{self.subject or '*'} up to {self.last_session}"
