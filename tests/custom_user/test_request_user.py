"""What ``request.user`` is in a view, and what a look at it costs."""

import copy
import pickle
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.db.models.signals import post_save
from django.db.transaction import atomic, set_rollback
from django.forms.models import model_to_dict
from django.test import override_settings

from blog.models import Post
from drf_ratchet.permissions import IsOwner
from tests.custom_user.looking import Look, queries_of, seen_by
from tests.custom_user.shapes import Shape
from tests.fixtures import Tokens

pytestmark = pytest.mark.starts

CHECKOUT = Path(__file__).resolve().parents[2]

FRESHNESS = ("immediate", "bounded", "expiry")


#: What is true of ``request.user`` and of the user whose token it is, whatever the freshness.
TRUE: dict[str, Callable[[Any, Any], bool]] = {
    "signed in": lambda user, alice: bool(user) and user.is_authenticated and not user.is_anonymous,
    "pk": lambda user, alice: user.pk == alice.pk and type(user.pk) is type(alice.pk),
    "==": lambda user, alice: user == alice and alice == user,
    "!=": lambda user, alice: [user != alice, alice != user] == [False, False],
    "hash": lambda user, alice: hash(user) == hash(alice) and {alice: 1}[user] == 1,
    "isinstance": lambda user, alice: (
        isinstance(user, (get_user_model(), int)) and isinstance(user, Model)
    ),
    "class": lambda user, alice: user.__class__ is alice.__class__,
    "copies": lambda user, alice: copy.copy(user) == alice and copy.deepcopy([user]) == [alice],
    "pickle": lambda user, alice: type(pickle.loads(pickle.dumps(user))) is type(alice),
    "unpickled": lambda user, alice: pickle.loads(pickle.dumps(user)) == alice,
    "model_to_dict": lambda user, alice: model_to_dict(user) == model_to_dict(alice),
    "str": lambda user, alice: str(user) == str(alice) and f"{user}" == f"{alice}",
    "get_username": lambda user, alice: user.get_username() == alice.get_username(),
    "meta": lambda user, alice: user._meta is alice._meta,
    "state": lambda user, alice: user._state.db == "default" and not user._state.adding,
    "natural_key": lambda user, alice: user.natural_key() == alice.natural_key(),
    "fields": lambda user, alice: _fields(user) == _fields(alice),
    "no such attribute": lambda user, alice: (
        not hasattr(user, "no_such") and getattr(user, "no_such", 5) == 5
    ),
    "content type": lambda user, alice: (
        ContentType.objects.get_for_model(user).get_object_for_this_type(pk=user.pk) == alice
    ),
    "filter": lambda user, alice: (
        list(Post.objects.filter(author=user)) == list(Post.objects.all())
    ),
    "exclude": lambda user, alice: list(Post.objects.exclude(author=user)) == [],
    "join": lambda user, alice: (
        list(get_user_model()._default_manager.filter(posts__author=user)) == [alice]
    ),
    "create": lambda user, alice: Post.objects.create(author=user, title="x").author_id == alice.pk,
    "update": lambda user, alice: Post.objects.update(author=user) == 1,
    "reverse": lambda user, alice: user.posts.create(title="x").author_id == alice.pk,
}


@pytest.mark.parametrize("before", [lambda user: None, str], ids=["unloaded", "loaded"])
def test_it_is_the_user(
    tokens: Tokens, alice: Any, freshness: str, before: Callable[[Any], Any]
) -> None:
    alice = get_user_model()._default_manager.get(pk=alice.pk)  # signing in has changed it
    for name, true in TRUE.items():
        with atomic():
            Post.objects.create(author=alice, title="one")
            seen = seen_by(lambda user, true=true: (before(user), true(user, alice)), tokens)
            assert seen[1], name
            set_rollback(True)


def _fields(user: Any) -> dict[str, Any]:
    return {field.attname: getattr(user, field.attname) for field in user._meta.concrete_fields}


#: What is particular about a user model.
PARTICULAR: dict[str, Callable[[Any], bool]] = {
    "EmailUser": lambda user: user.is_hidden is False and user.id == user.pk,
    "NumberUser": lambda user: user.is_active is True and user.number == sum(b"alice"),
    "OddUser": lambda user: (
        user.seen_by_from_db
        and user.code == "ABC"
        and user.preferences == {}
        and user.person_ptr_id == user.id == user.pk
    ),
    "PublicIdUser": lambda user: user.public_id.version == 4 and isinstance(user.pk, int),
    "EmployeeUser": lambda user: user.person.code == "ALICE" and user.person_id == user.person.pk,
    "ProxyUser": lambda user: user.shout() == "ALICE@EXAMPLE.COM",
    "ChildUser": lambda user: user.team == "red" and user.plainuser_ptr_id == user.id == user.pk,
    "StatefulUser": lambda user: user.email_before == "alice@example.com" and user.is_new is False,
    "AnnotatedUser": lambda user: user.length == 17 and user.posts_written == 2,
    "TextKeyUser": lambda user: user.pk == user.code == "alice  ü/1 ",
    "PersonKeyUser": lambda user: (
        user.pk == user.person_id == user.person.pk and user.person.code == "ALICE"
    ),
    "NicknameUser": lambda user: user.get_username() == user.nickname == "The alice",
    "BareUser": lambda user: not hasattr(user, "is_active") and user.secret != "",
    "TypedUser": lambda user: user.__class__.__name__ == "Teacher" and user.kind == "teacher",
    "OwnMethodsUser": lambda user: hash(user) == hash("alice@example.com"),
}


def test_what_is_particular_about_it(
    tokens: Tokens, alice: Any, freshness: str, shape: Shape
) -> None:
    Post.objects.create(author=alice, title="one")
    Post.objects.create(author=alice, title="two")
    assert seen_by(PARTICULAR[shape.model], tokens)


def test_saving_it(tokens: Tokens, alice: Any, freshness: str, shape: Shape) -> None:
    saved: list[Any] = []

    def note(sender: Any, instance: Any, **kwargs: Any) -> None:
        saved.append((sender, type(instance), instance.pk))

    def rename(user: Any) -> None:
        setattr(user, user.USERNAME_FIELD, shape.name_of("carol"))
        user.save()

    sender = type(alice)
    post_save.connect(note, sender=sender)
    try:
        seen_by(rename, tokens)
    finally:
        post_save.disconnect(note, sender=sender)
    assert saved == [(sender, sender, alice.pk)]
    stored = get_user_model()._default_manager.get(pk=alice.pk)
    assert getattr(stored, stored.USERNAME_FIELD) == shape.name_of("carol")


def test_a_parent_of_the_model(tokens: Tokens, alice: Any, freshness: str, shape: Shape) -> None:
    """What refers to the concrete model of a proxy, or to the first table of two."""
    from tests.custom_user.models import Note, Person, PlainUser

    names = [
        name
        for name, parent in (("of_plain", PlainUser), ("of_person", Person))
        if issubclass(get_user_model(), parent)
    ]
    for name in names:
        made = seen_by(lambda user, name=name: Note.objects.create(**{name: user}), tokens)
        of_whom = {name: alice}
        assert list(Note.objects.filter(**of_whom)) == [made]
        assert seen_by(
            lambda user, name=name: list(Note.objects.filter(**{name: user})), tokens
        ) == [made]
    assert bool(names) == (shape.model in ("OddUser", "ProxyUser", "ChildUser"))


def test_owners(tokens: Tokens, alice: Any, bob: Any, freshness: str) -> None:
    def is_owner(user: Any, **owner: Any) -> bool:
        request = type("Request", (), {"user": user})
        view = type("View", (), {"owner_field": next(iter(owner))})
        found: bool = IsOwner().has_object_permission(request, view, Post(**owner))  # type: ignore[arg-type]
        return found

    for user, expected in ((alice, True), (bob, False)):
        for owner in ({"author": user}, {"author_id": user.pk}):
            assert seen_by(lambda user, owner=owner: is_owner(user, **owner), tokens) is expected


# What it costs

#: A look, how many queries of its own it makes, and whether it reads the user's row.
COSTS: dict[str, tuple[Look, int, Callable[[Shape], bool]]] = {
    "nothing": (lambda user: None, 0, lambda shape: shape.asks_whether),
    "pk": (lambda user: user.pk, 0, lambda shape: shape.asks_whether or not shape.knows_key),
    "==": (
        lambda user: user == get_user_model()(pk=1),
        0,
        lambda shape: shape.asks_whether or not shape.knows_class,
    ),
    "isinstance": (
        lambda user: isinstance(user, get_user_model()),
        0,
        lambda shape: shape.asks_whether or not shape.knows_class,
    ),
    "filter": (
        lambda user: list(Post.objects.filter(author=user)),
        1,
        lambda shape: shape.asks_whether or not (shape.knows_key and shape.knows_class),
    ),
    "create": (
        lambda user: Post.objects.create(author=user, title="x"),
        1,
        lambda shape: True,
    ),
    "a field": (lambda user: user.get_username(), 0, lambda shape: True),
    "all fields": (_fields, 0, lambda shape: True),
}


def _documented(model: str) -> list[str]:
    """The numbers of a user model in the table of docs/guarantees.md."""
    lines = (CHECKOUT / "docs" / "guarantees.md").read_text().splitlines()
    [line] = [line for line in lines if line.startswith("| ") and f"`{model}`" in line]
    return [cell.strip() for cell in line.split("|")[2:-1]]


def test_queries(tokens: Tokens, shape: Shape, settings: Any, show: Callable[[str], None]) -> None:
    """The numbers that docs/guarantees.md states, for each freshness."""
    known = settings.DRF_RATCHET
    table: dict[str, list[int]] = {}
    for freshness in FRESHNESS:
        # No second reading of the feed, however slow the machine is.
        more = {"FRESHNESS": freshness, "FEED_INTERVAL": timedelta(minutes=10)}
        with override_settings(DRF_RATCHET={**known, **more}):
            seen_by(lambda user: None, tokens)  # the feed's first reading, the compiled query
            for name, (look, own, reads) in COSTS.items():
                made = queries_of(look, tokens)
                assert made == own + (freshness == "immediate" or reads(shape)), (freshness, name)
                table.setdefault(name, []).append(made)
    documented = _documented(shape.model)
    # "all fields" is a line of "a field".
    assert ["/".join(map(str, made)) for made in table.values()][:-1] == documented
    costs = ", ".join(f"{name} {'/'.join(map(str, made))}" for name, made in table.items())
    show(f"queries with {shape.model} (immediate/bounded/expiry): {costs}")
