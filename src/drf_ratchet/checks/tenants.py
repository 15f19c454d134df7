"""Tenants that share one issuer: a token of one signs in at the others."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from inspect import getattr_static
from types import FunctionType, MethodType, ModuleType
from typing import Any

from asgiref.local import Local
from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.db import connections, router

from drf_ratchet.checks.settings import usable_settings

#: Packages that choose a PostgreSQL schema for each request.
_PACKAGES = frozenset({"django_tenants", "tenant_schemas", "django_pgschemas"})
_CONTEXT = (ContextVar, threading.local, Local)
#: How many calls a router's method is followed down.
_DEPTH = 3

_HINT = (
    "Set 'ISSUER' to a callable of the request that names the tenant: see docs/howto/tenants.md."
)


@register(Tags.security)
def check_tenants(**kwargs: Any) -> list[CheckMessage]:
    """E012: a schema for each tenant. W021: a database that depends on the context."""
    return [] if callable(usable_settings().ISSUER) else [*_schemas(), *_databases()]


def _schemas() -> Iterator[CheckMessage]:
    package = next(iter(_installed() & _PACKAGES), None)
    if package is not None and _is_of_each_tenant():
        yield Error(
            f"{package} gives each tenant users or sessions of its own, and DRF_RATCHET['ISSUER'] "
            "is the same for all: a token of one tenant signs in at another, as the user with the "
            "same key.",
            hint=_HINT,
            id="ratchet.E012",
        )


def _installed() -> set[str]:
    """The packages of the installed apps, and of the classes that databases are reached with."""
    found = {app.partition(".")[0] for app in settings.INSTALLED_APPS}
    try:
        kinds = [kind for alias in connections for kind in type(connections[alias]).__mro__]
    except ImproperlyConfigured:
        return found  # Django says it
    return found.union(kind.__module__.partition(".")[0] for kind in kinds)


def _is_of_each_tenant() -> bool:
    """Whether users or sessions are in the tenants' schemas; also where no setting says."""
    listed = set(_tenant_apps())
    try:
        labels = {"drf_ratchet", get_user_model()._meta.app_label}
    except ImproperlyConfigured:
        return False  # Django says it
    configs = [config for config in apps.get_app_configs() if config.label in labels]
    names = {config.name for config in configs}
    names |= {f"{type(one).__module__}.{type(one).__name__}" for one in configs}
    return not listed or not listed.isdisjoint(names)


def _tenant_apps() -> Iterator[str]:
    """The apps of tenants' schemas, as django-tenants and django-pgschemas have them listed."""
    yield from getattr(settings, "TENANT_APPS", ())
    public = {"public", getattr(settings, "PUBLIC_SCHEMA_NAME", "public")}
    for name in ("TENANT_TYPES", "TENANTS"):
        kinds = getattr(settings, name, {})
        for kind, options in kinds.items() if isinstance(kinds, Mapping) else ():
            if kind not in public and isinstance(options, Mapping):
                yield from options.get("APPS", ())


def _databases() -> Iterator[CheckMessage]:
    for one in router.routers:
        choose = getattr(one, "db_for_write", None)
        if choose is not None and _reads_context(choose, _DEPTH):
            yield Warning(
                f"{type(one).__name__}.db_for_write looks at a context variable or a thread-local, "
                "and DRF_RATCHET['ISSUER'] is the same for all databases: where each is a "
                "tenant's, a token of one signs in at another, as the user with the same key.",
                hint=f"{_HINT} Where users and sessions are in one database, silence "
                "'ratchet.W021'.",
                id="ratchet.W021",
            )


def _reads_context(function: Callable[..., Any], depth: int) -> bool:
    """Whether a function, or one that it calls, names what differs between requests."""
    owner = getattr(function, "__self__", None)
    function = function.__func__ if isinstance(function, MethodType) else function
    if not isinstance(function, FunctionType) or depth == 0:
        return False
    for value in _named(function, owner):
        if isinstance(value, _CONTEXT):
            return True
        if isinstance(value, (FunctionType, MethodType)) and _reads_context(value, depth - 1):
            return True
    return False


def _named(function: FunctionType, owner: Any) -> Iterator[Any]:
    """What a function's names stand for: globals, and attributes of those and of its object."""
    names = function.__code__.co_names
    for cell in function.__closure__ or ():
        yield from _contents(cell)
    holders = [function.__globals__[name] for name in names if name in function.__globals__]
    yield from holders
    for holder in [*holders, owner]:
        for name in names:
            value = getattr_static(holder, name, None)
            if isinstance(value, FunctionType) and not isinstance(holder, (ModuleType, type)):
                value = MethodType(value, holder)
            yield value


def _contents(cell: Any) -> Iterator[Any]:
    try:
        yield cell.cell_contents
    except ValueError:
        return  # not assigned yet
