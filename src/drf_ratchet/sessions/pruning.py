"""Delete what is long over, in batches."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from drf_ratchet.ids import first_uuid7
from drf_ratchet.models import Session
from drf_ratchet.sessions.database import write_database


def prune(before: datetime, batch_size: int = 1000) -> Iterator[int]:
    """Delete sessions that ended or expired before a moment, oldest sign-ins first.

    It walks the primary key, whose order is that of the sign-ins, and stops at the moment: no
    index on the expiry is needed, and each statement touches one batch.

    Args:
        before: an aware datetime.
        batch_size: rows looked at in one go.

    Yields:
        How many rows each batch deleted.
    """
    rows = Session._base_manager.using(write_database())
    older: QuerySet[Any] = rows.filter(pk__lt=first_uuid7(before)).order_by("pk")
    over = Q(ended_at__lt=before) | Q(expires_at__lt=before)
    last: UUID | None = None
    while True:
        batch = older.filter(pk__gt=last) if last else older
        ids = list(batch.values_list("pk", flat=True)[:batch_size])
        if not ids:
            return
        last = ids[-1]
        deleted, _by_model = rows.filter(over, pk__gte=ids[0], pk__lte=last).delete()
        yield deleted
