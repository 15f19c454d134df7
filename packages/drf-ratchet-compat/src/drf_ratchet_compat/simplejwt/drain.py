"""Write into simplejwt's blacklist what the counter refuses, before the bridge comes out.

A task of ``manage.py ratchet``; see ``drf_ratchet.management.tasks``.
"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError, OutputWrapper


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments.

    Args:
        parser: the task's own.
    """
    parser.add_argument(
        "--batch-size", type=int, default=1000, help="sessions in one go (default: %(default)s)"
    )


def run(stdout: OutputWrapper, *, batch_size: int, **options: Any) -> None:
    """Blacklist the last refresh token of every session that has ended, and say what remains.

    Args:
        stdout: where to print.
        batch_size: sessions in one go.
        options: further options of Django's.

    Raises:
        CommandError: the bridge does not drain, or simplejwt has no blacklist.
    """
    from rest_framework_simplejwt.settings import api_settings

    from drf_ratchet.sessions import store
    from drf_ratchet_compat.simplejwt import blacklist
    from drf_ratchet_compat.simplejwt.settings import NAME, Phase, phase

    if phase() is not Phase.DRAIN:
        raise CommandError(f"First set {NAME} = {{'PHASE': 'drain'}} and restart every process.")
    if not blacklist.is_installed():
        raise CommandError("Without simplejwt's token_blacklist app, nothing can be refused.")
    written = 0
    for batch in store.ended_before_expiry(batch_size):
        for session in batch:
            blacklist.revoke_ended(session)
        written += len(batch)
        stdout.write(f"  {written:,} ended sessions written")
    lifetime = api_settings.REFRESH_TOKEN_LIFETIME
    stdout.write(
        f"{written:,} ended sessions are in simplejwt's blacklist. Remove the bridge from "
        f"INSTALLED_APPS once {lifetime} (REFRESH_TOKEN_LIFETIME) have passed since every process "
        "drains: tokens that were used before are valid for simplejwt until they expire."
    )
