"""``manage.py`` of the project with keys: ``python -m peers.manage ratchet keys rotate``."""

import sys

from django.core.management import execute_from_command_line

import peers.rotating  # noqa: F401  (it configures Django)

execute_from_command_line(sys.argv)
