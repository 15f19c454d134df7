"""The tests of other user models, each in a process of its own: Django takes one for each."""

import pytest

from tests.in_its_own_process import run_tests


@pytest.mark.parametrize(
    ("settings", "tests"),
    [
        ("tests.custom_user.settings", "tests/custom_user/with_email_user.py"),
        ("tests.custom_user.settings_number", "tests/custom_user/with_number_user.py"),
        ("tests.custom_user.settings_odd", "tests/custom_user/with_odd_user.py"),
        ("tests.custom_user.settings", "tests/custom_user/with_any_user.py"),
        ("tests.custom_user.settings_number", "tests/custom_user/with_any_user.py"),
        ("tests.custom_user.settings_odd", "tests/custom_user/with_any_user.py"),
    ],
)
def test_another_user_model(settings: str, tests: str) -> None:
    run_tests(settings, tests)
