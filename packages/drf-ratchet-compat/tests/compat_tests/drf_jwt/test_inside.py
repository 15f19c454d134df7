"""The tests in projects that have moved in, in a process of their own: its settings are others."""

import pytest

from tests.in_its_own_process import run_tests

HERE = "packages/drf-ratchet-compat/tests/compat_tests/drf_jwt"
FILES = {
    "settings": [
        *("with_sessions.py", "with_old_tokens.py", "with_settings.py", "with_browsers.py"),
        "with_policy.py",
    ],
    "settings_back": ["with_way_back.py"],
}
APPS = {"settings": '["drf_ratchet_compat.drf_jwt.blacklist"]', "settings_back": "[]"}


@pytest.mark.parametrize("name", FILES)
def test_in_a_project_of_its_own(name: str) -> None:
    files = [f"{HERE}/{file}" for file in FILES[name]]
    run_tests(f"compat_tests.drf_jwt.{name}", *files, MORE_APPS=APPS[name])
