"""The table that links a Django session of allauth to ours."""

from django.db import models

from drf_ratchet.models import Session


class LinkedSession(models.Model):
    """A Django session that allauth signed in, and the session of ours that it belongs to.

    The Django session contains the id of ours. This row is the way back: no session engine can look
    up a Django session by its contents, and when ours ends, the Django session must be deleted. The
    key is stored as it is, as in allauth's own ``UserSession``: an engine deletes by nothing else.
    A row is deleted together with its Django session.

    A Django session that was exchanged for cookies is deleted at once. Its row contains a hash of
    the key, which is unique. So one of several concurrent exchanges succeeds.
    """

    session = models.OneToOneField(
        Session,
        on_delete=models.CASCADE,
        # Null while an exchange opens the session.
        null=True,
        related_name="allauth_session",
        editable=False,
    )
    session_key = models.CharField(max_length=80, unique=True, editable=False)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.pk)
