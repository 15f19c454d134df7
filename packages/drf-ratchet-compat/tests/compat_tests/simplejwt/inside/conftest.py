"""The tests of a project on simplejwt with the bridge: its settings want their own process."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.in_its_own_process import REPORTS, Elsewhere, module_elsewhere


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> Elsewhere | None:
    """Run all of them there."""
    return module_elsewhere(module_path, parent, "compat_tests.simplejwt.settings")


if os.environ.get(REPORTS):
    from rest_framework.test import APIClient

    from compat_tests.simplejwt.calls import Pair, sign_in

    @pytest.fixture
    def client() -> APIClient:
        """A client without credentials."""
        return APIClient()

    @pytest.fixture
    def pair(client: APIClient, alice: Any) -> Pair:
        """A refresh token and an access token of alice, signed in by HTTP."""
        return sign_in(client)

    @pytest.fixture
    def bridge(settings: Any) -> Callable[..., None]:
        """Set keys of SIMPLE_JWT_BRIDGE."""

        def change(**keys: Any) -> None:
            settings.SIMPLE_JWT_BRIDGE = keys

        return change
