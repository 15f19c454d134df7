"""The user of a request that asked the database nothing, beside Django's own lazy user."""

import copy
import json
import pickle
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth import authenticate, login, update_session_auth_hash
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser, Group, Permission, User
from django.contrib.auth.tokens import default_token_generator
from django.contrib.contenttypes.models import ContentType
from django.core import serializers as django_serializers
from django.core.cache import cache
from django.db import connection, transaction
from django.db.models import Model, Q, Value
from django.db.models.signals import post_save, pre_save
from django.forms.models import model_to_dict
from django.template import Context, Engine
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils.functional import LazyObject, SimpleLazyObject
from rest_framework import serializers

from blog.models import Post
from drf_ratchet.exceptions import RequestRefused, TokenNotValid
from drf_ratchet.models import Session
from drf_ratchet.sessions import end_all_sessions, open_session
from drf_ratchet.sessions import lazy_user as module
from drf_ratchet.sessions.lazy_user import LazyUser
from ratchet_tokens.errors import Reason, TokenRefused
from tests.fixtures import PASSWORD

pytestmark = pytest.mark.django_db


@pytest.fixture
def lazy(alice: User) -> Any:
    return LazyUser(str(alice.pk))


@pytest.fixture
def bob(db: None) -> User:
    return User.objects.create_user("bob", "bob@example.com", PASSWORD)


def queries_of(call: Callable[[], Any]) -> tuple[Any, int]:
    """What a call returns, and how many queries it made."""
    with CaptureQueriesContext(connection) as made:
        result = call()
    return result, len(made)


# What costs no query

KNOWN: dict[str, Callable[[Any, User, User], bool]] = {
    "bool": lambda lazy, alice, bob: bool(lazy) is True,
    "is_authenticated": lambda lazy, alice, bob: lazy.is_authenticated is True,
    "is_anonymous": lambda lazy, alice, bob: lazy.is_anonymous is False,
    "pk": lambda lazy, alice, bob: lazy.pk == alice.pk and type(lazy.pk) is int,
    "the key's own name": lambda lazy, alice, bob: lazy.id == alice.pk,
    "isinstance": lambda lazy, alice, bob: (
        isinstance(lazy, User)
        and isinstance(lazy, AbstractBaseUser)
        and isinstance(lazy, Model)
        and isinstance(lazy, SimpleLazyObject)
        and not isinstance(lazy, AnonymousUser)
        and not isinstance(lazy, Group)
    ),
    "__class__": lambda lazy, alice, bob: lazy.__class__ is User,
    "==": lambda lazy, alice, bob: (
        [lazy == alice, alice == lazy, lazy == bob, bob == lazy] == [True, True, False, False]
    ),
    "!=": lambda lazy, alice, bob: (
        [lazy != alice, alice != lazy, lazy != bob, bob != lazy] == [False, False, True, True]
    ),
    "== with another lazy one": lambda lazy, alice, bob: (
        lazy == LazyUser(str(alice.pk))
        and lazy != LazyUser(str(bob.pk))
        and lazy == SimpleLazyObject(lambda: alice)
        and SimpleLazyObject(lambda: alice) == lazy
    ),
    "== with what is no user": lambda lazy, alice, bob: (
        lazy != alice.pk
        and lazy != str(alice)
        and lazy != None  # noqa: E711
        and lazy != AnonymousUser()
        and AnonymousUser() != lazy
        and lazy != Post(pk=alice.pk)
        and Post(pk=alice.pk) != lazy
        and lazy != User(username="unsaved")
        and lazy == _AlwaysEqual()
    ),
    "hash": lambda lazy, alice, bob: hash(lazy) == hash(alice),
    "in": lambda lazy, alice, bob: (
        lazy in [bob, alice]
        and alice in [bob, lazy]
        and lazy not in [bob]
        and lazy in {alice}
        and {alice: 1}[lazy] == 1
        and {lazy: 1}[alice] == 1
    ),
    "repr": lambda lazy, alice, bob: repr(lazy) == f"<LazyUser: User {alice.pk}>",
    "weakref": lambda lazy, alice, bob: weakref.ref(lazy)() is lazy,
    "copy.copy": lambda lazy, alice, bob: copy.copy(lazy) == lazy and copy.copy(lazy) is not lazy,
    "copy.deepcopy": lambda lazy, alice, bob: copy.deepcopy([lazy, lazy]) == [alice, alice],
    "the content type": lambda lazy, alice, bob: (
        ContentType.objects.get_for_model(lazy).model == "user"
    ),
}


class _AlwaysEqual:
    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = object.__hash__


@pytest.mark.parametrize("name", KNOWN)
def test_known_without_a_query(name: str, lazy: Any, alice: User, bob: User) -> None:
    ContentType.objects.get_for_model(User)  # cached by Django
    true, queries = queries_of(lambda: KNOWN[name](lazy, alice, bob))
    assert (true, queries) == (True, 0)


@pytest.mark.parametrize("name", KNOWN)
def test_known_after_loading_as_before(name: str, lazy: Any, alice: User, bob: User) -> None:
    assert lazy.username == "alice"
    if name == "repr":
        assert repr(lazy) == "<LazyUser: <User: alice>>"
    else:
        assert KNOWN[name](lazy, alice, bob)


#: Filters by a user, each of which makes one query of its own and none for the user.
FILTERS: dict[str, Callable[[Any], Any]] = {
    "filter": lambda user: list(Post.objects.filter(author=user)),
    "filter in": lambda user: list(Post.objects.filter(author__in=[user])),
    "exclude": lambda user: list(Post.objects.exclude(author=user)),
    "Q": lambda user: list(Post.objects.filter(Q(author=user) | Q(title="x"))),
    "deep copies of Q": lambda user: list(Post.objects.filter(copy.deepcopy(Q(author=user)))),
    "filter across": lambda user: list(User.objects.filter(posts__author=user)),
    "filter by the key": lambda user: list(User.objects.filter(pk=user.pk)),
    "exists": lambda user: Post.objects.filter(author=user).exists(),
    "select_for_update": lambda user: User.objects.select_for_update().get(pk=user.pk).pk,
    "annotate": lambda user: list(Post.objects.annotate(me=Value(user.pk))),
}


@pytest.mark.parametrize("name", FILTERS)
def test_filtering_takes_no_query_for_the_user(name: str, lazy: Any, alice: User) -> None:
    Post.objects.create(author=alice, title="one")
    expected = queries_of(lambda: FILTERS[name](alice))
    assert queries_of(lambda: FILTERS[name](lazy)) == expected


# Everything else is the loaded user's


def _all(model: Any) -> list[Any]:
    return list(model.objects.all())


class UserSerializer(serializers.ModelSerializer):
    class Meta:
        model = User
        fields = ["id", "username", "email", "groups", "date_joined"]


def _error_of(call: Callable[[], Any]) -> tuple[type[BaseException], str]:
    with pytest.raises((AttributeError, TypeError)) as caught:
        call()
    # What is iterated or called is named by its type: the one difference.
    return caught.type, str(caught.value).replace("LazyUser", "SimpleLazyObject")


def _render(template: str, user: Any) -> str:
    made = Engine().from_string(template)
    return made.render(Context({"user": user, "other": User.objects.order_by("pk").first()}))


def _logged(user: Any) -> tuple[int, User]:
    LogEntry.objects.log_actions(user.pk, [user], CHANGE, "x")
    entry = LogEntry.objects.get()
    return entry.user_id, entry.get_edited_object()


def _log_in(user: Any) -> tuple[int, str]:
    request = RequestFactory().get("/")
    from django.contrib.sessions.backends.cache import SessionStore

    request.session = SessionStore()
    request.user = user
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    update_session_auth_hash(request, user)
    return request.user.pk, request.session["_auth_user_id"]


#: Looks at a user; Django's own lazy user has the same to say, and makes as many queries.
LOOKS: dict[str, Callable[[Any], Any]] = {
    "str": str,
    "format": lambda user: f"{user} {user!s}",
    "a field": lambda user: (user.username, user.email, user.is_active, user.date_joined),
    "get_username": lambda user: user.get_username(),
    "no such attribute": lambda user: (
        hasattr(user, "no_such"),
        getattr(user, "no_such", 5),
        _error_of(lambda: user.no_such),
    ),
    "dir": dir,
    "bytes": lambda user: _error_of(lambda: bytes(user)),
    "iter": lambda user: _error_of(lambda: list(user)),
    "len": lambda user: _error_of(lambda: len(user)),
    "order": lambda user: _error_of(lambda: user < user),
    "call": lambda user: (callable(user), _error_of(user)),
    "json": lambda user: _error_of(lambda: json.dumps({"user": user})),
    "deferred fields": lambda user: user.get_deferred_fields(),
    "state": lambda user: (user._state.adding, user._state.db),
    "check_password": lambda user: (user.check_password(PASSWORD), user.check_password("x")),
    "natural_key": lambda user: user.natural_key(),
    "serializable_value": lambda user: user.serializable_value("email"),
    "copy.copy": lambda user: (copy.copy(user).username, copy.copy(user) is user),
    "copy.deepcopy": lambda user: copy.deepcopy({"user": user})["user"].email,
    "pickle": lambda user: (
        type(pickle.loads(pickle.dumps(user))),
        pickle.loads(pickle.dumps(user)),
    ),
    "cache": lambda user: (cache.set("user", user), cache.get("user"))[1],
    "model_to_dict": model_to_dict,
    "django's serializers": lambda user: django_serializers.serialize("json", [user]),
    "DRF's serializers": lambda user: UserSerializer(user).data,
    "permissions": lambda user: (
        user.has_perm("blog.add_post"),
        user.has_perm("blog.delete_post"),
        user.has_perms(["blog.add_post"]),
        user.has_module_perms("blog"),
        sorted(user.get_all_permissions()),
    ),
    "groups": lambda user: list(user.groups.all()),
    "add to a group": lambda user: user.groups.add(Group.objects.create(name="new")),
    "added to a group": lambda user: _all(Group)[0].user_set.add(user, *_all(User)),
    "a new object of the user": lambda user: (
        Post(author=user).author_id == user.pk and Post(author=user).author is user
    ),
    "create": lambda user: Post.objects.create(author=user, title="new").author_id,
    "bulk_create": lambda user: Post.objects.bulk_create([Post(author=user)])[0].author_id,
    "save": lambda user: Post(author=user, title="new").save(),
    "update": lambda user: Post.objects.update(author=user),
    "get_or_create": lambda user: Post.objects.get_or_create(author=user, title="one")[1],
    "reverse": lambda user: list(user.posts.values_list("title", flat=True)),
    "reverse create": lambda user: user.posts.create(title="new").author_id,
    "template": lambda user: _render(
        "{{ user }} {{ user.username }} {{ user.pk }} {{ user.nothing }}"
        "{% if user.is_authenticated %}yes{% endif %}{% if user == other %}same{% endif %}",
        user,
    ),
    "reset token": lambda user: default_token_generator.check_token(
        user, default_token_generator.make_token(user)
    ),
    "full_clean": lambda user: user.full_clean(),
    "validate_unique": lambda user: user.validate_unique(),
    "refresh_from_db": lambda user: (user.refresh_from_db(), user.username),
    "log entry": _logged,
    "sorting by a key": lambda user: sorted([user, user], key=lambda one: one.username),
    "login": _log_in,
}


@pytest.fixture
def with_permission(alice: User) -> None:
    group = Group.objects.create(name="authors")
    group.permissions.add(Permission.objects.get(codename="add_post"))
    alice.groups.add(group)
    Post.objects.create(author=alice, title="one")
    ContentType.objects.get_for_model(User)
    ContentType.objects.get_for_model(Post)


@pytest.mark.parametrize("name", LOOKS)
def test_everything_else_as_djangos_LazyUser(
    name: str, lazy: Any, alice: User, with_permission: None
) -> None:
    oracle = SimpleLazyObject(lambda: User.objects.get(pk=alice.pk))

    def rolled_back(user: Any) -> Any:
        with transaction.atomic():
            found = queries_of(lambda: LOOKS[name](user))
            transaction.set_rollback(True)
        return found

    expected, queries = rolled_back(oracle)
    found, own_queries = rolled_back(lazy)
    assert found == expected
    assert own_queries <= queries


def test_one_look_loads_all(lazy: Any, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        assert lazy.username == "alice"
        assert lazy.email == "alice@example.com"
        assert lazy.is_active
        assert str(lazy) == "alice"
        assert lazy.get_deferred_fields() == set()


def test_it_is_loaded_from_the_database_that_sessions_are_written_to(lazy: Any) -> None:
    assert (lazy._state.adding, lazy._state.db) == (False, "default")
    assert lazy.username == "alice"
    assert (lazy._state.adding, lazy._state.db) == (False, "default")


# Writing


def test_setting_loads_and_sets_on_the_user(lazy: Any, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        lazy.first_name = "Alicia"
        lazy.not_a_field = 5
        assert (lazy.username, lazy.first_name, lazy.not_a_field) == ("alice", "Alicia", 5)
        del lazy.not_a_field
        assert not hasattr(lazy, "not_a_field")


def test_saving_what_was_set(lazy: Any, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(2):
        lazy.first_name = "Alicia"
        lazy.save(update_fields=["first_name"])
    assert User.objects.get().first_name == "Alicia"


def test_signals_get_the_user_itself(lazy: Any) -> None:
    sent: list[Any] = []

    def note(sender: Any, instance: Any, **kwargs: Any) -> None:
        sent.append((sender, type(instance), instance))

    for signal in (pre_save, post_save):
        signal.connect(note, sender=User)
    try:
        lazy.save()
    finally:
        for signal in (pre_save, post_save):
            signal.disconnect(note, sender=User)
    assert sent == [(User, User, lazy)] * 2


def test_a_new_key_makes_a_new_user(lazy: Any, alice: User) -> None:
    """Copying a row by emptying its key, as Django's documentation has it."""
    lazy.pk = None
    lazy.username = "copy"
    lazy._state.adding = True
    lazy.save()
    assert lazy.pk not in (None, alice.pk)
    assert lazy == User.objects.get(username="copy") != alice


def test_deleting(lazy: Any) -> None:
    lazy.delete()
    assert lazy.pk is None
    assert not User.objects.exists()


def test_a_copy_is_another_instance(lazy: Any) -> None:
    for made in (copy.copy(lazy), copy.deepcopy(lazy)):
        made.first_name = "Changed"
        assert lazy.first_name == ""


# Threads


def test_threads_that_look_at_once_get_one_instance(
    lazy: Any, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All threads read the user before the first continues. They share one instance."""
    barrier = threading.Barrier(4)

    def find(*sought: Any) -> User:
        barrier.wait(10)
        return copy.copy(alice)  # a row for each, without a connection for each

    monkeypatch.setattr(module, "_find", find)

    def look(number: int) -> Any:
        setattr(lazy, f"note_{number}", number)
        return lazy._wrapped

    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(look, range(4)))
    assert {id(user) for user in found} == {id(lazy._wrapped)}
    assert [getattr(lazy, f"note_{number}") for number in range(4)] == [0, 1, 2, 3]


# Who cannot be loaded


@pytest.mark.parametrize(
    "gone",
    [
        lambda: User.objects.filter(username="alice").delete(),
        lambda: User.objects.update(is_active=False),
    ],
    ids=["deleted", "inactive"],
)
@pytest.mark.parametrize(
    "look",
    [
        lambda user: user.username,
        str,
        lambda user: hasattr(user, "username"),
        lambda user: getattr(user, "username", ""),
        lambda user: setattr(user, "first_name", "x"),
        lambda user: user.save(),
        pickle.dumps,
        lambda user: user.has_perm("blog.add_post"),
        lambda user: Post.objects.create(author=user, title="x"),
        lambda user: Post.objects.update(author=user),
        lambda user: user.groups.add(Group.objects.create(name="x")),
        lambda user: _render("{{ user.username }}", user),
        lambda user: _render("{{ user }}", user),
    ],
)
def test_a_user_who_is_gone_is_refused_at_the_look(
    lazy: Any, bob: User, gone: Callable[[], Any], look: Callable[[Any], Any]
) -> None:
    gone()
    for _ in range(2):
        with pytest.raises(TokenNotValid) as caught, transaction.atomic():
            look(lazy)
        assert isinstance(caught.value, RequestRefused)
        assert (caught.value.status_code, caught.value.reason) == (401, Reason.USER_INACTIVE)
    assert lazy.is_authenticated  # what the token says, it still says


def test_a_refusal_can_be_pickled(lazy: Any) -> None:
    """As a task queue does with what a task raised."""
    User.objects.all().delete()
    with pytest.raises(TokenNotValid) as caught:
        str(lazy)
    again = pickle.loads(pickle.dumps(caught.value))
    assert (type(again), again.reason) == (TokenNotValid, Reason.USER_INACTIVE)


@pytest.mark.parametrize(
    "subject", ["not a number", "", " ", "1.5", "9" * 5000, "\0", "1; DROP TABLE", "None", "Ⅷ"]
)
def test_a_subject_that_is_no_id(subject: str) -> None:
    with pytest.raises(TokenRefused) as caught:
        LazyUser(subject)
    assert caught.value.reason is Reason.MALFORMED


def test_subject_in_another_notation_is_refused(alice: User) -> None:
    """ "immediate" compares the text; the number is not enough."""
    for subject in (f"0{alice.pk}", f" {alice.pk}", f"+{alice.pk}"):
        with pytest.raises(TokenNotValid):
            str(LazyUser(subject))


def test_number_out_of_range_is_refused(alice: User) -> None:
    for subject in (str(2**63), str(-(2**63) - 1), "9" * 400):
        with pytest.raises(TokenNotValid):
            str(LazyUser(subject))


# Our own functions


def test_our_own_functions_take_it(lazy: Any, alice: User) -> None:
    from django.contrib.auth.signals import user_logged_in, user_logged_out

    senders: list[Any] = []

    def note(sender: Any, **kwargs: Any) -> None:
        senders.append(sender)

    for signal in (user_logged_in, user_logged_out):
        signal.connect(note)
    try:
        grant = open_session(lazy, request=RequestFactory().get("/"))
        assert grant.session.user == alice
        assert Session.objects.get().user == lazy
        request = RequestFactory().get("/")
        assert end_all_sessions(LazyUser(str(alice.pk)), request=request) == 1
    finally:
        for signal in (user_logged_in, user_logged_out):
            signal.disconnect(note)
    assert senders == [User, User]


def test_it_is_djangos(lazy: Any) -> None:
    assert isinstance(lazy, LazyObject)
    assert type(lazy) is LazyUser
    # An idiom of other packages, to get at the user itself.
    if lazy._wrapped.__class__ is object:
        lazy._setup()
    assert type(lazy._wrapped) is User
    assert authenticate(username=lazy.username, password=PASSWORD) == lazy
