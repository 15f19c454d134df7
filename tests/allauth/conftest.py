"""A user of allauth, and its two headless clients. The tests run in a process of their own.

Also a provider of social accounts, and who signs in by it over HTTP.
"""

import copy
import os
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.in_its_own_process import REPORTS, Elsewhere, module_elsewhere
from tests.sizes import FULL

#: The values of ``FRESHNESS``: each on two databases, on one Python.
FRESHNESS = ("immediate", "bounded", "expiry")
#: The modules whose tests run with each of them.
WITH_EACH = ("test_app", "test_browser", "test_attacks")


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> Elsewhere | None:
    """Run all of them there."""
    return module_elsewhere(module_path, parent, "tests.allauth.settings")


if os.environ.get(REPORTS):
    from allauth.account.models import EmailAddress
    from django.contrib.auth.models import User
    from django.db import connection

    from provider import APP_CLIENT, PROVIDER_ID, WEB_CLIENT
    from tests.allauth.headless import App, Browser
    from tests.allauth.provider import Phone, Provider, Visitor, serving
    from tests.chromium.installed import MISSING, find_or_install

    def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
        """Run the sign-ins and the attacks with each ``FRESHNESS``."""
        if metafunc.module.__name__.rpartition(".")[2] in WITH_EACH:
            each = connection.vendor != "mysql" and sys.version_info[:2] == (3, 11)
            values = FRESHNESS if each and FULL else FRESHNESS[:1]
            metafunc.fixturenames.append("freshness")
            metafunc.parametrize("freshness", values, indirect=True)

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

    @pytest.fixture(scope="session")
    def site(live_server: Any) -> str:
        """The address of the tests' server. The provider is on the same host, as in the demo."""
        return f"http://127.0.0.1:{urlsplit(live_server.url).port}"

    @pytest.fixture(scope="session")
    def running_provider(site: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
        """The provider, whose client is the tests' server."""
        with serving(site, tmp_path_factory.mktemp("provider")) as provider:
            yield provider

    @pytest.fixture
    def provider(running_provider: Provider, settings: Any) -> Provider:
        """The provider, in the settings of docs/howto/social-login.md."""
        configured = copy.deepcopy(settings.SOCIALACCOUNT_PROVIDERS)
        web, app = configured["openid_connect"]["APPS"]
        web |= {"client_id": WEB_CLIENT, "secret": running_provider.client_secret}
        app["client_id"] = APP_CLIENT
        for one in (web, app):
            one["provider_id"] = PROVIDER_ID
            one["settings"]["server_url"] = running_provider.address
        settings.SOCIALACCOUNT_PROVIDERS = configured
        settings.ALLOWED_HOSTS = [*settings.ALLOWED_HOSTS, "127.0.0.1"]
        # The page leaves it out. Other tests want an unverified address to sign in.
        del settings.SOCIALACCOUNT_EMAIL_VERIFICATION
        return running_provider

    @pytest.fixture
    def visitor(site: str, provider: Provider) -> Callable[[str], Visitor]:
        """Return a new browser of a user of the provider."""
        return lambda user: Visitor(site, user)

    @pytest.fixture
    def carol(visitor: Callable[[str], Visitor]) -> Visitor:
        """A browser of carol, whose address the provider has verified."""
        return visitor("carol")

    @pytest.fixture
    def mallory(visitor: Callable[[str], Visitor]) -> Visitor:
        """A browser of mallory, who claims to have alice's address."""
        return visitor("mallory")

    @pytest.fixture
    def phone(site: str, provider: Provider) -> Phone:
        """A mobile app that nobody is signed in to."""
        return Phone(site, provider)
