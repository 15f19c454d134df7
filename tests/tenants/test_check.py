"""E012 and W021: tenants without an issuer of their own."""

import importlib.util
import json
import threading
from contextvars import ContextVar
from types import SimpleNamespace
from typing import Any

import pytest
from asgiref.local import Local
from django.test import override_settings

from drf_ratchet.checks import check_tenants
from tests.tenants.common import of_page
from tests.tenants.served import Project

pytestmark = [pytest.mark.any_database, pytest.mark.starts]

_variable: ContextVar[str] = ContextVar("tenant", default="default")
_thread, _local = threading.local(), Local()
_state = SimpleNamespace(variable=_variable)


def current() -> str:
    return _variable.get()


def deep() -> str:
    return current()


class Router:
    """Each of these chooses by what the moment says."""

    def __init__(self) -> None:
        self.local = threading.local()

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return "default"


class ByVariable(Router):
    def db_for_write(self, model: Any, **hints: Any) -> str:
        return _variable.get()


class ByThread(Router):
    def db_for_write(self, model: Any, **hints: Any) -> str:
        return str(getattr(_thread, "tenant", "default"))


class ByLocal(Router):
    def db_for_write(self, model: Any, **hints: Any) -> str:
        return str(getattr(_local, "tenant", "default"))


class ByFunction(Router):
    def db_for_write(self, model: Any, **hints: Any) -> str:
        return deep()


class ByItsOwn(Router):
    def db_for_write(self, model: Any, **hints: Any) -> str:
        return self.chosen()

    def chosen(self) -> str:
        return str(getattr(self.local, "tenant", "default"))


class ByState(Router):
    def db_for_write(self, model: Any, **hints: Any) -> str:
        return str(_state.variable.get())


def made_by_a_closure() -> Any:
    variable: ContextVar[str] = ContextVar("another", default="default")

    class ByClosure(Router):
        def db_for_write(self, model: Any, **hints: Any) -> str:
            return variable.get()

    return ByClosure


class ToReplica(Router):
    """Reads by what the moment says, as routers that pin a user to the primary; writes never."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return _variable.get()

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return "default" if model else str(len(hints))


class WithoutWrites:
    def db_for_read(self, model: Any, **hints: Any) -> str:
        return _variable.get()


class Odd:
    """What Python cannot look into is not reported, and breaks nothing."""

    db_for_write = dict


def ids(**settings: Any) -> list[str | None]:
    with override_settings(**settings):
        return [message.id for message in check_tenants()]


def test_check_of_the_suites_own_project_is_content() -> None:
    assert ids() == []


@pytest.mark.parametrize(
    "router",
    [ByVariable, ByThread, ByLocal, ByFunction, ByItsOwn, ByState, made_by_a_closure()],
    ids=lambda kind: kind.__name__,
)
def test_check_reports_a_router_that_looks_at_the_context(router: Any) -> None:
    assert ids(DATABASE_ROUTERS=[router()]) == ["ratchet.W021"]
    named = {"ISSUER": lambda request: "a"}
    assert ids(DATABASE_ROUTERS=[router()], DRF_RATCHET=named) == []
    assert ids(DATABASE_ROUTERS=[router()], DRF_RATCHET={"ISSUER": "a"}) == ["ratchet.W021"]


@pytest.mark.parametrize("router", [ToReplica, WithoutWrites, Odd])
def test_check_reports_no_other_router(router: Any) -> None:
    assert ids(DATABASE_ROUTERS=[router()]) == []


def test_check_reports_the_howtos_router() -> None:
    router = of_page("orders.tenants")["TenantRouter"]()
    assert ids(DATABASE_ROUTERS=[router]) == ["ratchet.W021"]


@pytest.fixture(scope="module")
def reported() -> Any:
    """What is reported under django-tenants, in a process of its own; no database is asked."""
    if importlib.util.find_spec("django_tenants") is None:
        pytest.skip("django-tenants is not installed: see requirements/dev.in")
    program = f"""
import json, django
from django.test import override_settings
django.setup()
from drf_ratchet.checks import check_tenants
found = {{}}
for name, settings in {CASES!r}.items():
    with override_settings(**settings):
        found[name] = [message.id for message in check_tenants()]
print(json.dumps(found))
"""
    project = Project("tests.tenants.schemas", "postgresql://nobody@localhost/none", {})
    return json.loads(project.run("-W", "ignore", "-c", program, program=None))


NONE: dict[str, Any] = {"DRF_RATCHET": {}}
OURS = ["rest_framework", "drf_ratchet"]
AUTH = "django.contrib.auth"
#: Settings, and whether they are reported.
CASES = {
    "as the how-to has it": {},
    "no issuer": NONE,
    "one issuer": {"DRF_RATCHET": {"ISSUER": "https://shop.example"}},
    "users alone are the tenants'": {**NONE, "TENANT_APPS": [AUTH]},
    "users by their configuration": {
        **NONE,
        "TENANT_APPS": ["django.contrib.auth.apps.AuthConfig"],
    },
    "sessions alone are the tenants'": {**NONE, "TENANT_APPS": OURS},
    "both are shared": {**NONE, "TENANT_APPS": ["django.contrib.messages"]},
    "types of tenants": {
        **NONE,
        "TENANT_APPS": [],
        "TENANT_TYPES": {"public": {"APPS": []}, "shop": {"APPS": [AUTH, *OURS]}},
    },
    "types of tenants that share users": {
        **NONE,
        "TENANT_APPS": [],
        "TENANT_TYPES": {"public": {"APPS": [AUTH, *OURS]}, "shop": {"APPS": ["shop"]}},
    },
    "django-pgschemas": {
        **NONE,
        "TENANT_APPS": [],
        "TENANTS": {"public": {"APPS": OURS}, "default": {"APPS": [AUTH]}},
    },
    "nobody knows whose": {**NONE, "TENANT_APPS": []},
}
FINE = {
    "as the how-to has it",
    "both are shared",
    "types of tenants that share users",
}


@pytest.mark.parametrize("case", CASES)
def test_check_of_schemas(reported: Any, case: str) -> None:
    assert reported[case] == ([] if case in FINE else ["ratchet.E012"])
