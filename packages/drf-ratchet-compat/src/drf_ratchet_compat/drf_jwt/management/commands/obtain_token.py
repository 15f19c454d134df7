"""``manage.py obtain_token``: a token to develop with."""

from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from drf_ratchet.exceptions import NoActiveAccount
from drf_ratchet_compat.drf_jwt.issuing import issue
from drf_ratchet_compat.drf_jwt.settings import api_settings


class Command(BaseCommand):
    """Prints a token of a new session."""

    help = "Open a session for a user and print its token. With DEBUG alone."

    def add_arguments(self, parser: CommandParser) -> None:
        """The user."""
        parser.add_argument("pk", type=str, help="the user's primary key")

    def handle(self, *args: Any, pk: str, **options: Any) -> None:
        """Print it."""
        if not settings.DEBUG:
            raise CommandError("obtain_token needs DEBUG = True: it signs in without a password.")
        try:
            user = get_user_model()._default_manager.filter(pk=pk).first()
        except (ValueError, ValidationError):
            user = None
        if user is None:
            raise CommandError("There is no user with that primary key.")
        try:
            issued = issue(user, api_settings.JWT_PAYLOAD_HANDLER(user))
        except NoActiveAccount:
            raise CommandError("This user may not sign in.") from None
        self.stdout.write(issued.token)
