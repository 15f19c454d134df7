"""Delete what is long over, in batches."""

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Q

from drf_ratchet.clock import Now, stored
from drf_ratchet.ids import first_uuid7
from drf_ratchet.models import CutOff
from drf_ratchet.sessions import store
from drf_ratchet.sessions.database import write_database


def prune(before: datetime, batch_size: int = 1000) -> Iterator[int]:
    """Delete sessions that ended or expired before a moment and have expired by now.

    It walks the primary key, whose order is that of the sign-ins, and stops at the moment: no
    index on the expiry is needed, and each statement touches one batch.

    Args:
        before: an aware datetime, longer ago than an access token lives.
        batch_size: rows looked at in one go.

    Yields:
        How many rows each batch deleted.
    """
    older = store.rows().filter(pk__lt=first_uuid7(before))
    before = stored(before, write_database())
    # Everybody's are few, and answer for tokens that may come much later.
    cut_offs = CutOff._base_manager.using(write_database()).exclude(subject="")
    cut_offs.filter(announced_at__lt=before).delete()
    # One that ended stays for as long as its refresh token may come, and is told why.
    over = Q(expires_at__lt=before) | Q(ended_at__lt=before, expires_at__lt=Now())
    over &= Q(kept_until=None) | Q(kept_until__lt=Now())
    for first, last in store.batches(older, batch_size):
        deleted, _by_model = store.rows().filter(over, pk__gte=first, pk__lte=last).delete()
        yield deleted
