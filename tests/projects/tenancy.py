"""Tenants: a schema or a database for each, chosen by the request's host."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.http import HttpRequest, HttpResponse

HOSTS = {"a.localhost": "a", "b.localhost": "b"}

_alias: ContextVar[str] = ContextVar("alias", default="default")


class DatabaseOfHost:
    """Middleware: each host has a database of its own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with database_of(request.get_host()):
            return self.get_response(request)


@contextmanager
def database_of(host: str) -> Iterator[None]:
    """Let the ORM use a host's database."""
    token = _alias.set(HOSTS.get(host, "default"))
    try:
        yield
    finally:
        _alias.reset(token)


class DatabaseRouter:
    """Everything is in the tenant's database."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return _alias.get()

    db_for_write = db_for_read

    def allow_relation(self, one: Any, other: Any, **hints: Any) -> bool:
        return True


def database_issuer(request: Any) -> str:
    """Return the issuer of a tenant that has a database."""
    return f"https://{_alias.get()}.example"


@contextmanager
def schema_of(host: str) -> Iterator[None]:
    """Let the ORM use a host's schema."""
    from django_tenants.utils import schema_context

    with schema_context(HOSTS.get(host, "public")):
        yield


def schema_issuer(request: Any) -> str:
    """Return the issuer of a tenant that has a schema."""
    return f"https://{connection.schema_name}.example"


def make_schemas(shape: Any) -> None:
    """Make the public schema and one for each tenant."""
    from tests.projects.apps.tenants.models import Domain, Tenant

    call_command("migrate_schemas", "--shared", verbosity=0)
    for host, name in {"localhost": "public", **HOSTS}.items():
        tenant = Tenant(schema_name=name, name=name)
        tenant.save(verbosity=0)
        Domain.objects.create(domain=host, tenant=tenant, is_primary=True)


class UsersElsewhere:
    """Users, and what belongs to them, are in a database of their own.

    The setting ``ELSEWHERE`` names the apps.
    """

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return "people" if model._meta.app_label in settings.ELSEWHERE else "default"

    db_for_write = db_for_read

    def allow_relation(self, one: Any, other: Any, **hints: Any) -> bool:
        return True


class Replica:
    """Reads come from a replica."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return "replica"

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return "default"

    def allow_relation(self, one: Any, other: Any, **hints: Any) -> bool:
        return True

    def allow_migrate(self, alias: str, app_label: str, **hints: Any) -> bool:
        return alias == "default"
