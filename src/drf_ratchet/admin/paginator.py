"""Paginate a table that may have ten million rows."""

from typing import Any

from django.core.paginator import Paginator
from django.utils.functional import cached_property

#: Rows that the pages cover, newest first. Older rows are found by searching.
MOST = 10_000


class BoundedPaginator(Paginator):  # type: ignore[type-arg]
    """A paginator that counts up to ``MOST``: PostgreSQL and MariaDB read every row to count."""

    @cached_property
    def count(self) -> int:
        """Return the number of rows, at most ``MOST``."""
        newest: Any = self.object_list[:MOST]
        return int(newest.count())

    @property
    def is_full(self) -> bool:
        """Return whether there may be more rows than were counted."""
        return self.count >= MOST
