"""The issuer of a request: one for the whole site, or one for each tenant."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeGuard

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest

from drf_ratchet.conf import NAME, ratchet_settings

_chosen: ContextVar[str | None] = ContextVar("drf_ratchet_issuer", default=None)


def issuer_for(request: HttpRequest | None = None) -> str | None:
    """Return the ``iss`` that a request's tokens carry and must carry; None without ``ISSUER``.

    Everything that a process keeps (feeds, verified tokens, rate limits) is kept per issuer, so two
    tenants of one process share nothing.

    Args:
        request: Django's or DRF's. None outside of a request: a callable ``ISSUER`` is then called
            with None, unless ``use_issuer`` has named an issuer.

    Raises:
        ImproperlyConfigured: the callable ``ISSUER`` did not return a non-empty string.
    """
    issuer = ratchet_settings().ISSUER
    # Runs in each request, so no function is called if the setting is the answer.
    if issuer is None or isinstance(issuer, str):
        return issuer
    chosen = _chosen.get()
    if chosen is not None:
        return chosen
    name: object = issuer(getattr(request, "_request", request))
    if not _is_name(name):
        raise ImproperlyConfigured(
            f"{NAME}['ISSUER'] must return a non-empty string. Outside of a request it is called "
            "with None: return the tenant's name there too, or wrap the call in "
            "drf_ratchet.tenants.use_issuer('name')."
        )
    return name


def _is_name(name: object) -> TypeGuard[str]:
    return isinstance(name, str) and name != ""


def refresh_issuer_for(request: HttpRequest | None = None) -> str | None:
    """Return the ``iss`` of a request's refresh tokens; None if there is one issuer only.

    A server with one issuer is the only reader of its refresh tokens, which need no ``iss`` then.
    With a callable ``ISSUER`` they carry its result.

    Args:
        request: as for ``issuer_for``.

    Raises:
        ImproperlyConfigured: as ``issuer_for``.
    """
    return issuer_for(request) if callable(ratchet_settings().ISSUER) else None


def chosen_tenant() -> object:
    """Return the result of a callable ``ISSUER`` without a request; None if it raises.

    If the callable reads the connection or a context variable, the result shows whether another
    tenant was chosen since. ``use_issuer`` has no influence on it.
    """
    issuer = ratchet_settings().ISSUER
    if issuer is None or isinstance(issuer, str):
        return None
    try:
        return issuer(None)
    except Exception:  # any error of a project's function that needs a request
        return None


@contextmanager
def use_issuer(name: str) -> Iterator[None]:
    """Set the issuer for the code inside: a command, a consumer or a background task of a tenant.

    It applies to the current thread or task. A callable ``ISSUER`` that reads the connection or a
    context variable, and not the request, does not need it.

    Args:
        name: what the callable ``ISSUER`` would return for a request of that tenant.

    Raises:
        ValueError: the name is not a non-empty string.
    """
    if not _is_name(name):
        raise ValueError("use_issuer() takes the name of a tenant: a non-empty string.")
    token = _chosen.set(name)
    try:
        yield
    finally:
        _chosen.reset(token)
