"""The part of the task that makes sessions of old tokens, as far as its user sees it."""

from datetime import UTC, datetime
from time import monotonic

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError, OutputWrapper
from django.db import DatabaseError, connections

from drf_ratchet.conf import ratchet_settings
from drf_ratchet.models import Session
from drf_ratchet.sessions.database import write_database
from drf_ratchet_compat.adopt import findings, report, simplejwt_rules
from drf_ratchet_compat.adopt.packages import SIMPLEJWT, OldPackage
from drf_ratchet_compat.adopt.progress import progress
from drf_ratchet_compat.adopt.project import Stored

#: Ctrl-C, as shells count it.
INTERRUPTED = 130


def run_import(
    out: OutputWrapper, package: OldPackage, kept: Stored, *, batch_size: int, dry: bool
) -> None:
    """Import, or say what would be imported.

    Args:
        out: the command's.
        package: which one.
        kept: what the database has of it.
        batch_size: tokens in one go.
        dry: whether nothing is to be written.

    Raises:
        CommandError: the sessions' table is missing, or it was interrupted, or the database failed.
    """
    report.heading(out, "Sessions")
    if package is not SIMPLEJWT:
        out.write(
            "  Nothing to import: the package keeps no list of the tokens that it hands out. Each "
            "becomes a session as it comes."
        )
        return
    if next(iter(package.tables)) not in kept.rows:
        if kept.problem and not dry:
            raise CommandError(f"The old tables cannot be read: {kept.problem}")
        out.write(
            "  Nothing to import: without simplejwt's token_blacklist app nobody knows which "
            "tokens are about. Each becomes a session at its first refresh."
        )
        return
    try:
        _import(out, kept, batch_size, dry)
    except DatabaseError as error:
        raise CommandError(
            f"The database stopped the import: {str(error).strip()} Running this again goes on "
            "from there."
        ) from error


def _import(out: OutputWrapper, kept: Stored, batch_size: int, dry: bool) -> None:
    from drf_ratchet_compat.adopt.importing import Count, import_sessions
    from drf_ratchet_compat.adopt.old_tables import living_tokens

    existing = set(kept.rows)
    total = living_tokens(datetime.now(UTC), kept.alias, existing).count()
    out.write(f"  {total:,} refresh tokens are living: neither expired nor taken back.")
    if dry:
        out.write(
            "  Each that is no session yet would become one, to be listed and ended before its "
            "first refresh."
        )
        return
    _demand_table()
    try:
        ratchet_settings()
    except ImproperlyConfigured as error:
        raise CommandError(f"Settings to be changed before the import: {error}") from None
    own = findings.given(SIMPLEJWT, simplejwt_rules.DEFAULTS)
    begun, count = monotonic(), Count()
    batches = import_sessions(
        SIMPLEJWT.name,
        kept.alias,
        existing,
        # As adopting the token itself decides it.
        rotates=simplejwt_rules.rotates(own),
        type_claim=own["TOKEN_TYPE_CLAIM"],
        batch_size=batch_size,
    )
    try:
        with progress(out, total) as advance:
            for count in batches:
                advance(count.seen)
    except KeyboardInterrupt:
        raise CommandError(
            f"Interrupted at {count.seen:,} of {total:,} tokens: {count.imported:,} sessions "
            "imported. Running this again goes on from there.",
            returncode=INTERRUPTED,
        ) from None
    seconds = monotonic() - begun
    rate = f" ({count.seen / seconds:,.0f} tokens a second)" if seconds > 1 else ""
    out.write(f"  {count.imported:,} sessions imported in {seconds:.1f} s{rate}.")
    for number, what in (
        (count.present, "were there already"),
        (count.over, "are over: by SESSION_LIFETIME, or by an ending of all, or all of a user"),
        (count.sliding, "are sliding tokens, which become sessions as they come"),
        (count.unusable, "cannot be used: no such user, or times that are none"),
    ):
        if number:
            out.write(f"  {number:,} {what}.")


def _demand_table() -> None:
    alias = write_database()
    with connections[alias].cursor() as cursor:
        names = connections[alias].introspection.table_names(cursor)
    if Session._meta.db_table not in names:
        raise CommandError(
            "The sessions' table is missing. Run manage.py migrate drf_ratchet, then this again."
        )
