"""A lazy ``request.user``, for requests that send no query: Django's ``SimpleLazyObject``."""

import inspect
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import SynchronousOnlyOperation, ValidationError
from django.db.models import Model
from django.db.models.constants import LOOKUP_SEP
from django.db.models.query_utils import DeferredAttribute
from django.utils.functional import SimpleLazyObject, empty

from drf_ratchet.caches import forget_on_change
from drf_ratchet.conf import NAME
from drf_ratchet.exceptions import TokenNotValid
from drf_ratchet.sessions import store
from drf_ratchet.sessions.compiled import is_plain
from drf_ratchet.sessions.database import write_database
from drf_ratchet.sessions.subject import id_field, is_active, subject_of
from drf_ratchet.tenants import chosen_tenant
from ratchet_tokens.claims import session_id
from ratchet_tokens.errors import Reason, TokenRefused

#: For another schema of the same database. In another database nothing is looked up.
_ANOTHER_TENANT = (
    "request.user was first loaded after another tenant was chosen, in which its key may belong to "
    "another user. Load request.user before you choose another schema, or authenticate this view "
    "with freshness = 'immediate'."
)

#: As Django's ``AuthenticationMiddleware`` has it.
_IN_A_COROUTINE = (
    "request.user is not loaded yet, and a coroutine cannot load it by looking at it. Load it with "
    "`await request.auser()`."
)

#: Attributes that the ORM looks up on every value it filters by. A user is no expression.
_OF_EXPRESSIONS = frozenset({"resolve_expression", "get_source_expressions"})


class LazyUser(SimpleLazyObject):  # type: ignore[type-arg]
    """The user of an access token, loaded on first use like that of ``AuthenticationMiddleware``.

    These need no query: ``bool``, ``isinstance``, ``is_authenticated`` and ``is_anonymous``. If
    ``USER_ID_FIELD`` is the primary key, neither do ``pk``, ``==`` and ``hash``. So permissions,
    throttles and ``filter(owner=request.user)`` send no query. Everything else loads the user,
    including setting an attribute.

    The user is loaded as "immediate" reads it: by the session, with the user model's default
    manager. If the session's row is not in this database, it is loaded by ``USER_ID_FIELD``.
    Loading raises ``TokenNotValid`` if the user no longer exists or is inactive.

    Args:
        subject: the ``sub`` claim of a verified access token.
        claims: all of its claims; None to load by ``USER_ID_FIELD`` alone.

    Raises:
        TokenRefused: malformed, if no user can have this id.
        ImproperlyConfigured: ``USER_ID_FIELD`` names no column of the user model.
    """

    def __init__(self, subject: str, claims: Mapping[str, Any] | None = None) -> None:
        kind = _kind()
        value = kind.value_of(subject)
        # Known values are in the wrapper's own __dict__ until the user is loaded. Python finds
        # attributes there before it calls __getattr__.
        own = self.__dict__
        own.update(kind.constants)
        for name in kind.names:
            own[name] = value
        own["_ratchet"] = kind, subject, value, claims, write_database()
        own["_ratchet_tenant"] = chosen_tenant()
        own["_wrapped"] = empty

    def _setup(self) -> None:
        own = self.__dict__
        kind, *_, using = own["_ratchet"]
        if chosen_tenant() != own["_ratchet_tenant"] and write_database() == using:
            raise RuntimeError(_ANOTHER_TENANT)
        try:
            loaded = _find(*own["_ratchet"])
        except SynchronousOnlyOperation:
            raise SynchronousOnlyOperation(_IN_A_COROUTINE) from None
        # setdefault() is atomic: concurrent threads may each send a query, and all get one
        # instance.
        user = own.setdefault("_ratchet_user", loaded)
        own["_wrapped"] = user
        for name in (*kind.names, *kind.constants):
            own.pop(name, None)

    # No zero-argument super() below: __class__ is not this class.

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        kind = _unloaded(self)
        return kind.model if kind and kind.is_sure else _load(self).__class__

    # The attributes that the ORM needs of an instance it filters by. For an instance that a new row
    # refers to it needs more, which loads it. So a deleted user is refused instead of an
    # IntegrityError.

    @property
    def _meta(self) -> Any:
        return self.__class__._meta

    _get_pk_val = Model._get_pk_val
    _is_pk_set = Model._is_pk_set  # type: ignore[attr-defined]

    def __getattr__(self, name: str) -> Any:
        if name in _OF_EXPRESSIONS:
            raise AttributeError(name)
        return getattr(_load(self), name)

    def __bool__(self) -> bool:
        kind = _unloaded(self)
        return True if kind and kind.is_true else bool(_load(self))

    def __eq__(self, other: object) -> bool:
        kind = _unloaded(self)
        if not kind or not kind.compares_by_key:
            return bool(_load(self) == other)
        same = kind.compare(self._ratchet[2], other)
        return Model.__eq__(self, other) if same is None else same

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        kind = _unloaded(self)
        return Model.__hash__(self) if kind and kind.compares_by_key else hash(_load(self))

    def __copy__(self) -> Any:
        if _unloaded(self):
            made = LazyUser.__new__(LazyUser)
            # The copy belongs to the same database and tenant, whichever is chosen now.
            made.__dict__.update(self.__dict__)
            return made
        return SimpleLazyObject.__copy__(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        if _unloaded(self):
            memo[id(self)] = made = self.__copy__()
            return made
        return SimpleLazyObject.__deepcopy__(self, memo)

    def __repr__(self) -> str:
        kind = _unloaded(self)
        shown = f"{kind.model.__name__} {self._ratchet[1]}" if kind else repr(self._wrapped)
        return f"<LazyUser: {shown}>"


async def aload(user: Any) -> Any:
    """Return the loaded user, for a coroutine.

    Args:
        user: a ``LazyUser``, or any other user, which is returned as it is.

    Raises:
        TokenNotValid: the user no longer exists or is inactive.
    """
    # type(), since the class that it shows is the user model.
    if type(user) is not LazyUser:
        return user
    return await sync_to_async(_load)(user) if _unloaded(user) else user._wrapped


def _load(user: LazyUser) -> Any:
    if user._wrapped is empty:
        user._setup()
    return user._wrapped


def _unloaded(user: LazyUser) -> "_Kind | None":
    """Return what is known of a user that is not loaded; None for a loaded user."""
    own = user.__dict__
    return own["_ratchet"][0] if own["_wrapped"] is empty else None


class _Kind(NamedTuple):
    """The facts known of every user before one is loaded, by the user model and the settings.

    Args:
        model: the user model.
        field: the field that ``sub`` contains.
        lookup: the lookup to filter by that field.
        names: the attributes that hold its value; with "pk" if it is the primary key.
        constants: attributes with the same value for all users.
        is_sure: whether a loaded user's class is the model itself, and no subclass.
        is_true: whether every user is true.
        compares_by_key: whether ``==`` and ``hash`` are those of Django's ``Model``.
    """

    model: Any
    field: Any
    lookup: str
    names: tuple[str, ...]
    constants: dict[str, bool]
    is_sure: bool
    is_true: bool
    compares_by_key: bool

    def value_of(self, subject: str) -> Any:
        """Return the field's value for a ``sub``."""
        try:
            if subject:
                return self.field.to_python(subject)
        except (ValidationError, TypeError, ValueError):
            pass
        raise TokenRefused(Reason.MALFORMED)

    def compare(self, value: object, other: object) -> bool | None:
        """Return whether two users are equal by the field's value; None to compare primary keys."""
        if (
            "pk" in self.names
            or not isinstance(other, Model)
            or other._meta.concrete_model is not self.model._meta.concrete_model
        ):
            return None
        theirs = _known(other, self.field.attname)
        if theirs is empty or _known(other, self.model._meta.pk.attname) is None:
            return None
        return bool(theirs == value)


def _find(
    kind: _Kind, subject: str, value: object, claims: Mapping[str, Any] | None, using: str
) -> Any:
    """Return the user. One query, and a second one if the session's row is not there.

    Raises:
        TokenNotValid: there is no such user, more than one, or an inactive one.
    """
    # The query of "immediate" is compiled: it takes a third of the time of the query by the field.
    session = None if claims is None else store.user_of(session_id(claims))
    if session is not None:
        found = [session.user]
    elif "\0" in subject or not _is_encodable(subject):  # no database driver accepts such text
        found = []
    else:
        users = kind.model._default_manager.using(using)
        found = list(users.filter(**{kind.lookup: value})[:2])
    # By the key: a manager with joins may return one user twice. By the text, as in "immediate": a
    # collation may match "Ann" and "ann", and another user may have this value by now.
    by_key = {user.pk: user for user in found if subject_of(user) == subject}
    if len(by_key) != 1:
        raise TokenNotValid(Reason.USER_INACTIVE)
    [user] = by_key.values()
    if not is_active(user):
        raise TokenNotValid(Reason.USER_INACTIVE)
    return user


def _is_encodable(text: str) -> bool:
    try:
        return bool(text.encode())
    except UnicodeEncodeError:
        return False


def _known(user: object, name: str) -> Any:
    """Return an attribute of a user, lazy or not, if that needs no query; else ``empty``."""
    own = vars(user)
    wrapped = own.get("_wrapped", empty)
    return (own if wrapped is empty else vars(wrapped)).get(name, empty)


@lru_cache(maxsize=1)
def _kind() -> _Kind:
    model, field = get_user_model(), id_field()
    constants = {name: _constant(model, name) for name in ("is_authenticated", "is_anonymous")}
    read_as_ever = _inherits(model, "from_db") and is_plain(model._default_manager)
    return _Kind(
        model,
        field,
        _lookup(field),
        _names(model, field),
        {name: value for name, value in constants.items() if value is not None},
        # Subclasses are proxies and child tables. A query may return instances of one.
        is_sure=read_as_ever or not model.__subclasses__(),
        is_true=not (hasattr(model, "__bool__") or hasattr(model, "__len__")),
        compares_by_key=all(_inherits(model, name) for name in ("__eq__", "__hash__", "pk")),
    )


def _inherits(model: object, name: str) -> bool:
    """Return whether a model inherits an attribute unchanged from Django's ``Model``."""
    return inspect.getattr_static(model, name) is vars(Model)[name]


def _lookup(field: Any) -> str:
    """Return the path to a field; for a relation, to the field that it refers to at last.

    That field knows which values its column can hold.
    """
    path = [field.name]
    while field.remote_field:
        field = field.target_field
        path.append(field.name)
    return LOOKUP_SEP.join(path)


def _names(model: Any, field: Any) -> tuple[str, ...]:
    """Return the attributes that hold the field's value exactly as the database has it."""
    keys = [model._meta.pk]
    while keys[-1].remote_field and keys[-1].remote_field.parent_link:
        keys.append(keys[-1].target_field)  # the parent table's key has the same value
    same = keys if field in keys else [field]
    names = [one.attname for one in same if _is_stored(model, one)]
    return (*names, "pk") if model._meta.pk.attname in names else tuple(names)


def _is_stored(model: Any, field: Any) -> bool:
    descriptor = inspect.getattr_static(model, field.attname, None)
    return getattr(type(descriptor), "__get__", None) is DeferredAttribute.__get__


def _constant(model: object, name: str) -> bool | None:
    """Return the ``is_authenticated`` or ``is_anonymous`` of all users; None if it is unknown."""
    value = inspect.getattr_static(model, name, None)
    if value is vars(AbstractBaseUser)[name]:
        return name == "is_authenticated"
    return value if isinstance(value, bool) else None


forget_on_change(_kind.cache_clear, NAME, "AUTH_USER_MODEL")
