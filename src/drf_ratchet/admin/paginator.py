"""Pages of a table that may have ten million rows."""

from typing import Any

from django.core.paginator import Paginator
from django.utils.functional import cached_property

#: The newest so many can be leafed through. What is older is found by searching.
MOST = 10_000


class BoundedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts no further than ``MOST``: PostgreSQL and MariaDB count by reading every row."""

    @cached_property
    def count(self) -> int:
        """How many there are, ``MOST`` at the most."""
        newest: Any = self.object_list[:MOST]
        return int(newest.count())

    @property
    def is_full(self) -> bool:
        """Whether there may be more than are counted."""
        return self.count >= MOST
