"""``adopt simplejwt --import``, as its user sees it."""

from datetime import UTC, datetime
from time import monotonic

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError, OutputWrapper
from django.db import DatabaseError
from rest_framework_simplejwt.settings import DEFAULTS

from drf_ratchet.conf import put_underneath, ratchet_settings
from drf_ratchet_compat.adopt import report
from drf_ratchet_compat.adopt.progress import progress
from drf_ratchet_compat.adopt.simplejwt_report import BLACKLIST_APP, BRIDGE, rotates

#: The exit code of shells for Ctrl-C.
INTERRUPTED = 130


def write_preview(out: OutputWrapper) -> None:
    """Print how many tokens an import would read.

    Args:
        out: the command's output.
    """
    report.heading(out, "Sessions to import")
    if not apps.is_installed(BLACKLIST_APP):
        out.write("  None: without token_blacklist there is no list of refresh tokens.")
        return
    from drf_ratchet_compat.adopt.importing import living_tokens

    try:
        total = living_tokens(datetime.now(UTC)).count()
    except (DatabaseError, ImproperlyConfigured) as error:
        report.item(out, "simplejwt's tables cannot be read", str(error).strip())
        return
    out.write(f"  {total:,} refresh tokens are neither expired nor blacklisted. With --import each")
    out.write("  becomes a session now, to be listed and ended before its first refresh.")


def run_import(out: OutputWrapper, batch_size: int) -> None:
    """Import the living tokens.

    Args:
        out: the command's output.
        batch_size: tokens per batch.

    Raises:
        CommandError: a table or an app is missing, or the import was interrupted.
    """
    if batch_size < 1:
        raise CommandError("--batch-size must be at least 1.")
    if not apps.is_installed(BLACKLIST_APP):
        raise CommandError(
            f"Nothing can be imported: {BLACKLIST_APP} is not in INSTALLED_APPS, so there is no "
            "list of refresh tokens. Each becomes a session at its first refresh."
        )
    if not apps.is_installed(BRIDGE):
        # As the bridge has it: an absolute lifetime is off until the project sets one.
        put_underneath("SIMPLE_JWT", lambda: {"SESSION_LIFETIME": None})
    try:
        ratchet_settings()
        _import(out, batch_size)
    except ImproperlyConfigured as error:
        raise CommandError(f"Change the settings before the import: {error}") from None
    except DatabaseError as error:
        raise CommandError(
            f"The database stopped the import: {str(error).strip()} If a table is missing, run "
            "manage.py migrate drf_ratchet. Run this again to continue."
        ) from error


def _import(out: OutputWrapper, batch_size: int) -> None:
    # Late: these models exist only while their app is installed.
    from drf_ratchet_compat.adopt.importing import Count, import_sessions, living_tokens

    total = living_tokens(datetime.now(UTC)).count()
    given = report.Given("SIMPLE_JWT", DEFAULTS)
    begun, count, advance = monotonic(), Count(), progress(out, total)
    batches = import_sessions(
        # As the first refresh of the token decides it.
        rotates=rotates(given),
        type_claim=given["TOKEN_TYPE_CLAIM"],
        batch_size=batch_size,
    )
    try:
        for count in batches:
            advance(count.seen)
    except KeyboardInterrupt:
        raise CommandError(
            f"Interrupted at {count.seen:,} of {total:,} tokens: {count.imported:,} sessions "
            "imported. Run this again to continue.",
            returncode=INTERRUPTED,
        ) from None
    seconds = monotonic() - begun
    rate = f" ({count.seen / seconds:,.0f} tokens a second)" if seconds > 1 else ""
    out.write(f"{count.imported:,} sessions imported in {seconds:.1f} s{rate}.")
    for number, what in (
        (count.present, "existed already"),
        (count.over, "have ended: by SESSION_LIFETIME, or with all sessions of their user"),
        (count.sliding, "are sliding tokens, which become sessions when they are used"),
        (count.unusable, "are unusable: without a user, or with invalid times"),
    ):
        if number:
            out.write(f"{number:,} {what}.")
