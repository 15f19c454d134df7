"""Check for tenants that share one issuer, so that a token of one is valid at the others."""

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
#: The depth to which calls inside a router's method are followed.
_DEPTH = 3

_HINT = (
    "Set 'ISSUER' to a callable of the request that names the tenant: see docs/howto/tenants.md."
)


@register(Tags.security)
def check_tenants(**kwargs: Any) -> list[CheckMessage]:
    """Report E012: a schema for each tenant. Report W021: a context chooses the database."""
    return [] if callable(usable_settings().ISSUER) else [*_schemas(), *_databases()]


def _schemas() -> Iterator[CheckMessage]:
    package = next(iter(_installed() & _PACKAGES), None)
    if package is not None and _is_of_each_tenant():
        yield Error(
            f"{package} gives each tenant users or sessions of its own, and DRF_RATCHET['ISSUER'] "
            "is the same for all: a token of one tenant is valid at another tenant, for the user "
            "with the same primary key.",
            hint=_HINT,
            id="ratchet.E012",
        )


def _installed() -> set[str]:
    """Return the packages of the installed apps and of the database backends."""
    found = {app.partition(".")[0] for app in settings.INSTALLED_APPS}
    try:
        kinds = [kind for alias in connections for kind in type(connections[alias]).__mro__]
    except ImproperlyConfigured:
        return found  # Django reports it
    return found.union(kind.__module__.partition(".")[0] for kind in kinds)


def _is_of_each_tenant() -> bool:
    """Return whether users or sessions are in the tenants' schemas, or no setting tells."""
    listed = set(_tenant_apps())
    try:
        labels = {"drf_ratchet", get_user_model()._meta.app_label}
    except ImproperlyConfigured:
        return False  # Django's own check reports it
    configs = [config for config in apps.get_app_configs() if config.label in labels]
    names = {config.name for config in configs}
    names |= {f"{type(one).__module__}.{type(one).__name__}" for one in configs}
    return not listed or not listed.isdisjoint(names)


def _tenant_apps() -> Iterator[str]:
    """Yield the apps of tenants' schemas, from the settings of the two packages.

    django-tenants has ``TENANT_APPS`` and ``TENANT_TYPES``, django-pgschemas has ``TENANTS``.
    """
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
                f"{type(one).__name__}.db_for_write reads a context variable or a thread-local, "
                "and DRF_RATCHET['ISSUER'] is the same for all databases: if each tenant has a "
                "database, a token of one tenant is valid at another tenant, for the user with the "
                "same primary key.",
                hint=f"{_HINT} If users and sessions are in one database, silence 'ratchet.W021'.",
                id="ratchet.W021",
            )


def _reads_context(function: Callable[..., Any], depth: int) -> bool:
    """Return whether a function, or one that it calls, uses a context variable or thread-local.

    Args:
        function: a router's method.
        depth: how many levels of calls to follow.
    """
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


def _named(function: FunctionType, owner: object) -> Iterator[Any]:
    """Yield the values of a function's names: globals, and attributes of them and of ``self``."""
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
