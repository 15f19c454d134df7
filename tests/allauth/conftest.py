"""A user of allauth, and its two headless clients. The tests run in a process of their own."""

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.in_its_own_process import REPORTS, Elsewhere, module_elsewhere
from tests.sizes import sized

FRESHNESS = sized(("immediate", "bounded", "expiry"), ("immediate",))
#: The modules whose tests run with each of them.
WITH_EACH = ("test_app", "test_browser", "test_attacks")


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> Elsewhere | None:
    """Run all of them there."""
    return module_elsewhere(module_path, parent, "tests.allauth.settings")


if os.environ.get(REPORTS):
    from allauth.account.models import EmailAddress
    from django.contrib.auth.models import User

    from tests.allauth.headless import App, Browser
    from tests.chromium.installed import MISSING, find_or_install

    def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
        """Run the sign-ins and the attacks with each ``FRESHNESS``."""
        if metafunc.module.__name__.rpartition(".")[2] in WITH_EACH:
            metafunc.fixturenames.append("freshness")
            metafunc.parametrize("freshness", FRESHNESS, indirect=True)

    @pytest.fixture
    def freshness(request: pytest.FixtureRequest, settings: Any) -> None:
        """Set ``FRESHNESS``, with endings that are seen at once where they are seen at all."""
        more = {"FRESHNESS": request.param, "FEED_INTERVAL": timedelta(0)}
        settings.DRF_RATCHET = {**settings.DRF_RATCHET, **more}

    @pytest.fixture
    def app() -> App:
        """A mobile app, not signed in."""
        return App()

    @pytest.fixture
    def browser() -> Browser:
        """A page in a browser, not signed in. Requests of it must pass Django's CSRF check."""
        return Browser()

    @pytest.fixture
    def alice(alice: User) -> User:
        """The user with a verified address."""
        EmailAddress.objects.create(user=alice, email=alice.email, verified=True, primary=True)
        return alice

    @pytest.fixture
    def chromium(tmp_path_factory: pytest.TempPathFactory) -> str:
        """The path of Chromium."""
        path = find_or_install(tmp_path_factory.getbasetemp())
        if path is None:
            if os.environ.get("CI") == "true":
                pytest.fail(MISSING)
            pytest.skip(MISSING)
        return path

    @pytest.fixture
    def policy(settings: Any) -> Callable[..., None]:
        """Set SIGN_IN_POLICY."""

        def choose(name: str) -> None:
            settings.DRF_RATCHET = {**settings.DRF_RATCHET, "SIGN_IN_POLICY": name}

        return choose
