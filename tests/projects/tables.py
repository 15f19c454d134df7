"""What some shapes make beside their tables, or before."""

from typing import Any

from django.core.management import call_command
from django.db import connection


def with_citext(shape: Any) -> None:
    """Make PostgreSQL's type that knows no case, then the tables."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("CREATE EXTENSION citext")
    call_command("migrate", verbosity=0)


def and_static_files(shape: Any) -> None:
    """Make the tables, and collect the static files."""
    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
