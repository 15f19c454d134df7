"""A callable ``ISSUER``: each tenant is an issuer of its own."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from rest_framework.test import APIClient

from drf_ratchet.tenants import issuer_for, use_issuer
from tests.conftest import Tokens, payload


def by_header(request: HttpRequest | None) -> str:
    """Return the tenant that a request names; "public" outside of one."""
    return "public" if request is None else request.META.get("HTTP_X_TENANT", "public")


@pytest.fixture(autouse=True)
def _tenants(settings: Any) -> None:
    settings.DRF_RATCHET = {**settings.DRF_RATCHET, "ISSUER": by_header}


def test_access_token_names_its_tenant(api: APIClient, alice: Any) -> None:
    body = {"username": "alice", "password": "ratchet-demo-1"}
    answer = api.post("/api/token/", body, HTTP_X_TENANT="a")
    assert payload(answer.json()["access"])["iss"] == "a"


@pytest.mark.parametrize("freshness", ["immediate", "bounded", "expiry"])
def test_token_of_another_tenant_is_refused(
    api: APIClient, tokens: Tokens, settings: Any, freshness: str
) -> None:
    settings.DRF_RATCHET = {**settings.DRF_RATCHET, "FRESHNESS": freshness}
    assert api.get("/api/protected/", **tokens.bearer).status_code == 200
    answer = api.get("/api/protected/", HTTP_X_TENANT="b", **tokens.bearer)
    assert answer.status_code == 401
    assert answer.json()["reason"] == "wrong_issuer"


def test_issuer_outside_of_a_request_can_be_named() -> None:
    assert issuer_for() == "public"
    with use_issuer("b"):
        assert issuer_for() == "b"
    assert issuer_for() == "public"


@pytest.mark.parametrize("returned", ["", None, 7])
def test_issuer_that_is_no_text_is_refused_with_the_setting_named(
    settings: Any, returned: Any, sign_in: Callable[..., Tokens]
) -> None:
    settings.DRF_RATCHET = {**settings.DRF_RATCHET, "ISSUER": lambda request: returned}
    with pytest.raises(ImproperlyConfigured, match="ISSUER"):
        issuer_for()
