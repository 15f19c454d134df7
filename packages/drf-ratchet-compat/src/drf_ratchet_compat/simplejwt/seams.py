"""The methods of simplejwt that the bridge replaces, and the versions it was checked with.

Not reached: bound methods that a module saved before the start, later patches by others, direct
subclasses of ``Token`` with a ``verify`` of their own, and ``TokenBackend.decode``.
"""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, NamedTuple

import rest_framework_simplejwt
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from drf_ratchet_compat.simplejwt import request, serializers, tokens
from drf_ratchet_compat.simplejwt.settings import NAME, bridge_setting

#: Versions of djangorestframework-simplejwt. ``make peers`` runs the suites of 5.3.1, 5.4.0 and
#: 5.5.1; 5.3.0 and 5.5.0 have the same methods.
CHECKED = ("5.3.0", "5.3.1", "5.4.0", "5.5.0", "5.5.1")


class Seam(NamedTuple):
    """One method that is replaced.

    Args:
        owner: the dotted path of its class.
        name: the method.
        arguments: the names of its parameters in every version that was checked.
        replacement: called with the method and its arguments.
        optional: whether some versions or settings do without it.
    """

    owner: str
    name: str
    arguments: tuple[str, ...]
    replacement: Callable[..., Any]
    optional: bool = False

    def __str__(self) -> str:
        return f"{self.owner.rpartition('.')[2]}.{self.name}"


_TOKEN = "rest_framework_simplejwt.tokens.Token"
_MIXIN = "rest_framework_simplejwt.tokens.BlacklistMixin"
_SERIALIZERS = "rest_framework_simplejwt.serializers"
_VIEW = "rest_framework.views.APIView"

SEAMS = (
    Seam(_TOKEN, "for_user", ("cls", "user"), tokens.for_user),
    Seam(_TOKEN, "verify", ("self",), tokens.verify),
    Seam(_TOKEN, "set_jti", ("self",), tokens.set_jti),
    Seam(_TOKEN, "set_exp", ("self", "claim", "from_time", "lifetime"), tokens.set_exp),
    Seam(_TOKEN, "set_iat", ("self", "claim", "at_time"), tokens.set_iat),
    Seam(_TOKEN, "__str__", ("self",), tokens.to_text),
    # Without simplejwt's blacklist app these are missing.
    Seam(_MIXIN, "check_blacklist", ("self",), tokens.check_blacklist, optional=True),
    Seam(_MIXIN, "blacklist", ("self",), tokens.blacklist_token, optional=True),
    Seam(_MIXIN, "outstand", ("self",), tokens.outstand, optional=True),
    Seam(
        f"{_SERIALIZERS}.TokenObtainSerializer",
        "validate",
        ("self", "attrs"),
        serializers.authenticate,
    ),
    Seam(
        f"{_SERIALIZERS}.TokenRefreshSerializer", "validate", ("self", "attrs"), serializers.refresh
    ),
    Seam(f"{_SERIALIZERS}.TokenVerifySerializer", "validate", ("self", "attrs"), serializers.check),
    Seam(
        f"{_SERIALIZERS}.TokenBlacklistSerializer",
        "validate",
        ("self", "attrs"),
        serializers.log_out,
    ),
    Seam(_VIEW, "initialize_request", ("self", "request", "args", "kwargs"), request.begin_view),
    Seam(
        _VIEW,
        "finalize_response",
        ("self", "request", "response", "args", "kwargs"),
        request.end_view,
    ),
)
_plain: dict[Seam, Any] = {}


def install() -> None:
    """Replace the methods. Called twice, it does nothing.

    Raises:
        ImproperlyConfigured: this version of simplejwt is not known, or differs from what is known.
            Without the bridge, tokens that it revoked would be valid again, so nothing may start.
    """
    if _plain:
        return
    demand_version(rest_framework_simplejwt.__version__)
    found = [(seam, _method(seam)) for seam in SEAMS]
    for seam, method in found:
        if method is not None:
            _plain[seam] = method
            setattr(import_string(seam.owner), seam.name, _replaced(seam, method))


def uninstall() -> None:
    """Put simplejwt's methods back. For tests."""
    for seam, method in _plain.items():
        setattr(import_string(seam.owner), seam.name, method)
    _plain.clear()


def installed() -> list[Seam]:
    """Return the seams that are in place."""
    return list(_plain)


def is_in_place(seam: Seam) -> bool:
    """Return whether nobody has replaced a method again.

    Args:
        seam: one of ``installed()``.
    """
    method = vars(import_string(seam.owner)).get(seam.name)
    return getattr(getattr(method, "__func__", method), "__wrapped__", None) is getattr(
        _plain[seam], "__func__", _plain[seam]
    )


def demand_version(version: str | None) -> None:
    """Refuse a version of simplejwt that was not checked, unless the project accepts it.

    Args:
        version: the installed one.

    Raises:
        ImproperlyConfigured: not known; the text says what to do.
    """
    if version in CHECKED or (version and version == bridge_setting("ACCEPT_VERSION")):
        return
    raise ImproperlyConfigured(
        f"The bridge was not checked with djangorestframework-simplejwt {version}, but with "
        f"{', '.join(CHECKED)}. Install one of those, or a newer drf-ratchet-compat. To try it all "
        f"the same, set {NAME}['ACCEPT_VERSION'] = {version!r}."
    )


def _method(seam: Seam) -> Any:
    """Return the method of a seam, with its ``classmethod``; None where it may be missing."""
    method = vars(import_string(seam.owner)).get(seam.name)
    if method is None:
        if seam.optional:
            return None
        raise ImproperlyConfigured(f"This version of simplejwt has no {seam}. {_ADVICE}")
    found = tuple(inspect.signature(getattr(method, "__func__", method)).parameters)
    if found != seam.arguments:
        raise ImproperlyConfigured(f"{seam} takes other arguments than it did. {_ADVICE}")
    return method


_ADVICE = "Install a version that drf-ratchet-compat was checked with."


def _replaced(seam: Seam, method: Any) -> Any:
    plain = getattr(method, "__func__", method)

    @wraps(plain)
    def replaced(*args: Any, **kwargs: Any) -> Any:
        return seam.replacement(plain, *args, **kwargs)

    return classmethod(replaced) if isinstance(method, classmethod) else replaced
