"""Django, a database in memory and all targets, for a process that is no test."""

import os
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]


def start_django() -> None:
    """As the tests have it, and nothing throttled."""
    sys.path[:0] = [str(CHECKOUT / "demo")]
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.fuzz.settings"
    import django
    from django.core.management import call_command
    from django.test.utils import setup_test_environment

    django.setup()
    setup_test_environment()
    call_command("migrate", verbosity=0)
