"""``manage.py flushexpiredtokens``: what is long over goes."""

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    """``manage.py ratchet prune``, by the name that cron jobs know."""

    help = "Delete sessions that ended or expired long ago: manage.py ratchet prune."

    def handle(self, *args: Any, **options: Any) -> None:
        """Prune."""
        call_command(
            "ratchet",
            "prune",
            stdout=self.stdout,
            stderr=self.stderr,
            verbosity=options["verbosity"],
        )
