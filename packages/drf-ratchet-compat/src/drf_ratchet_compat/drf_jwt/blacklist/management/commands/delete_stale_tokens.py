"""``manage.py delete_stale_tokens``: as ``manage.py ratchet prune``."""

from typing import Any

from django.core.management.base import BaseCommand

from drf_ratchet_compat.drf_jwt.blacklist.models import BlacklistedToken


class Command(BaseCommand):
    """Deletes what is long over."""

    help = "Delete sessions that ended or expired more than 30 days ago."

    def handle(self, *args: Any, **options: Any) -> None:
        """Delete."""
        deleted = BlacklistedToken.objects.delete_stale_tokens()
        self.stdout.write(f"{deleted} deleted.")
