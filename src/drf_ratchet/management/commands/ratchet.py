"""``manage.py ratchet``: looking after the sessions."""

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from drf_ratchet.conf import ratchet_settings
from drf_ratchet.sessions.pruning import prune


class Command(BaseCommand):
    """One command with a subcommand for each task."""

    help = "Look after sign-in sessions."

    def add_arguments(self, parser: CommandParser) -> None:
        """The subcommands and what each takes."""
        tasks = parser.add_subparsers(dest="task", required=True, title="tasks")
        pruning = tasks.add_parser("prune", help="Delete sessions that ended or expired long ago.")
        pruning.add_argument(
            "--days", type=float, default=30, help="how long ago (default: %(default)s)"
        )
        pruning.add_argument(
            "--batch-size", type=int, default=1000, help="rows in one go (default: %(default)s)"
        )

    def handle(self, *args: Any, task: str, **options: Any) -> None:
        """Run the task."""
        {"prune": self.prune}[task](**options)

    def prune(self, *, days: float, batch_size: int, **options: Any) -> None:
        """Delete, saying how far it is."""
        age, kept = timedelta(days=days), ratchet_settings().ACCESS_TOKEN_LIFETIME
        if batch_size < 1:
            raise CommandError("--batch-size must be at least 1.")
        if age < kept:
            raise CommandError(f"--days must cover ACCESS_TOKEN_LIFETIME ({kept}) at least.")
        total = 0
        for deleted in prune(timezone.now() - age, batch_size):
            total += deleted
            if options["verbosity"] > 1:
                self.stdout.write(f"{total} deleted so far")
        self.stdout.write(self.style.SUCCESS(f"{total} sessions deleted."))
