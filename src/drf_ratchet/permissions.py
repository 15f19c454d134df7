"""Permission classes for owners of objects, and for how and when users authenticated."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest
from rest_framework.permissions import AND, OR, BasePermission, OperandHolder

from drf_ratchet.exceptions import ReauthenticationRequired

if TYPE_CHECKING:  # DRF's views import what DEFAULT_PERMISSION_CLASSES names
    from rest_framework.request import Request
    from rest_framework.views import APIView


class IsOwner(BasePermission):
    """Allow the signed-in user who owns the object.

    The owner is the attribute of the object that the view's ``owner_field`` names, or else this
    class's ``owner_field``. The attribute may hold the user or the user's primary key: ``"author"``
    or ``"author_id"``, which needs no query. Combine it with others: ``IsOwner | IsAdminUser``.
    """

    owner_field = "owner"

    def has_permission(self, request: "Request", view: "APIView") -> bool:
        """Return whether a user is signed in. Otherwise ``|`` would allow anonymous requests."""
        return _is_signed_in(request)

    def has_object_permission(self, request: "Request", view: "APIView", obj: Any) -> bool:
        """Return whether the object's owner is the user."""
        owner = getattr(obj, getattr(view, "owner_field", self.owner_field))
        user = request.user
        if owner is None or user is None:
            return False
        # Compare the users first: a lazy user may know its USER_ID_FIELD and not its primary key.
        return bool(user == owner or owner == getattr(user, "pk", None))


def RequireAuthentication(
    *,
    amr: str | Sequence[str] = (),
    acr: str | Sequence[str] = (),
    max_age: float | None = None,
) -> type[BasePermission]:
    """Return a permission class that asks how, and how recently, the user authenticated.

    Otherwise it responds with 401 ``reauthentication_required`` and the challenge of RFC 9470. The
    client then authenticates the user as the challenge says, for example at ``step-up/``. It
    combines with ``&`` and ``|``: ``RequireAuthentication(amr="hwk") | IsAdminUser``.

    Args:
        amr: the authentication methods (RFC 8176) that are all needed, such as "hwk".
        acr: the authentication context classes of which one is needed; see ``ACR_VALUES``.
        max_age: seconds for which the authentication counts; None for the whole session.

    Raises:
        ValueError: nothing is required.
    """
    methods, classes = _as_tuple(amr), _as_tuple(acr)
    if not methods and not classes and max_age is None:
        raise ValueError("RequireAuthentication requires nothing: pass amr, acr or max_age.")

    class Requires(BasePermission, metaclass=_Raising):
        def has_permission(self, request: "Request", view: "APIView") -> bool:
            if not _is_signed_in(request):
                return False
            # request.auth of another authentication class proves nothing.
            claims = request.auth if isinstance(request.auth, Mapping) else {}
            if (
                _is_recent(claims.get("auth_time"), max_age)
                and set(methods) <= _methods_in(claims)
                and (not classes or claims.get("acr") in classes)
            ):
                return True
            raise ReauthenticationRequired(
                None if max_age is None else int(max_age), classes, methods
            )

    return Requires


def RecentSignIn(*, minutes: float = 5) -> type[BasePermission]:
    """Return a permission class that requires a recent sign-in or step-up.

    It is ``RequireAuthentication(max_age=minutes * 60)``.

    Args:
        minutes: the time for which a sign-in or a step-up counts as recent.
    """
    return RequireAuthentication(max_age=minutes * 60)


class _Operand(OperandHolder):
    """As DRF's, for operands that may raise: the right of ``|`` is asked all the same."""

    def __and__(self, other: Any) -> OperandHolder:
        return _Operand(_AND, self, other)

    def __or__(self, other: Any) -> OperandHolder:
        return _Operand(_ANY_OF, self, other)


class _Raising(type(BasePermission)):  # type: ignore[misc]
    """The operators of a permission that raises."""

    def __and__(cls, other: Any) -> OperandHolder:
        return _Operand(_AND, cls, other)

    def __or__(cls, other: Any) -> OperandHolder:
        return _Operand(_ANY_OF, cls, other)


class _AnyOf(OR):
    """As DRF's ``OR``. A challenge of one permission counts only if the other refuses as well."""

    op1: Any
    op2: Any

    def has_permission(self, request: Any, view: Any) -> bool:
        return _any(lambda one: one.has_permission(request, view), self.op1, self.op2)

    def has_object_permission(self, request: Any, view: Any, obj: Any) -> bool:
        def allows(one: Any) -> bool:
            return bool(
                one.has_permission(request, view) and one.has_object_permission(request, view, obj)
            )

        return _any(allows, self.op1, self.op2)


#: DRF's stubs know its own operators alone.
_AND: Any = AND
_ANY_OF: Any = _AnyOf


def _any(allows: Callable[[Any], bool], *permissions: Any) -> bool:
    challenge: ReauthenticationRequired | None = None
    for permission in permissions:
        try:
            if allows(permission):
                return True
        except ReauthenticationRequired as required:
            challenge = challenge or required
    if challenge is not None:
        raise challenge
    return False


def _as_tuple(names: str | Sequence[str]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names)


def _is_recent(moment: object, max_age: float | None) -> bool:
    if max_age is None:
        return True
    return isinstance(moment, (int, float)) and time.time() - moment <= max_age


def _methods_in(claims: Mapping[str, Any]) -> set[Any]:
    methods = claims.get("amr")
    return set(methods) if isinstance(methods, (list, tuple)) else set()


def _is_signed_in(request: HttpRequest) -> bool:
    # request.user is None with UNAUTHENTICATED_USER = None.
    return bool(getattr(request.user, "is_authenticated", False))
