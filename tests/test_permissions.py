"""Who owns what, on real views with real permissions."""

import os
import subprocess
import sys
import time
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.test import override_settings
from rest_framework.permissions import AllowAny, BasePermission, IsAdminUser, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory, force_authenticate
from rest_framework.views import APIView

from blog.models import Post
from drf_ratchet.permissions import IsOwner, RecentSignIn
from drf_ratchet.sessions.lazy_user import LazyUser
from drf_ratchet.token_user import TokenUser
from ratchet_tokens.claims import Claims
from token_tests import forge

pytestmark = pytest.mark.any_database

ALICE = User(pk=1, username="alice")
BOB = User(pk=2, username="bob")
STAFF = User(pk=3, username="staff", is_staff=True)


class IsAuthor(IsOwner):
    owner_field = "author"


class Open(BasePermission):
    def has_permission(self, request: Request, view: APIView) -> bool:
        return True


def status(
    user: Any,
    obj: object = None,
    permission: Any = IsOwner,
    owner_field: str | None = None,
    auth: object = None,
) -> int:
    """What a view behind that permission answers to the user who wants the object."""

    class View(APIView):
        authentication_classes = ()
        permission_classes = (permission,)

        def get(self, request: Request) -> Response:
            if obj is not None:
                self.check_object_permissions(request, obj)
            return Response()

    if owner_field is not None:
        View.owner_field = owner_field  # type: ignore[attr-defined]
    request = APIRequestFactory().get("/")
    if user is not None:
        force_authenticate(request, user, auth)
    code: int = View.as_view()(request).status_code
    return code


def owned_by(owner: object, name: str = "owner") -> SimpleNamespace:
    return SimpleNamespace(**{name: owner})


@pytest.mark.parametrize(
    ("user", "owner", "expected"),
    [
        (ALICE, ALICE, 200),
        (ALICE, User(pk=1), 200),  # the same row, loaded twice
        (ALICE, 1, 200),
        (ALICE, BOB, 403),
        (ALICE, 2, 403),
        (ALICE, None, 403),
        (ALICE, "1", 403),
        (ALICE, "", 403),
        (ALICE, 0, 403),
        (ALICE, Post(pk=1), 403),  # another model's row of the same number
        (ALICE, [ALICE], 403),
        # A user who is not saved has no key yet, and owns nothing that has no owner.
        (User(username="new"), None, 403),
        (User(username="new"), User(username="new"), 403),
        (STAFF, ALICE, 403),
        (AnonymousUser(), None, 403),
        (AnonymousUser(), ALICE, 403),
        (AnonymousUser(), AnonymousUser(), 403),
        (None, None, 403),
        (None, ALICE, 403),
    ],
)
def test_owner(user: Any, owner: object, expected: int) -> None:
    assert status(user, owned_by(owner)) == expected


def test_a_key_that_is_a_uuid() -> None:
    key = UUID("01980000-0000-7000-8000-000000000001")
    user = SimpleNamespace(pk=key, is_authenticated=True)

    assert status(user, owned_by(UUID(str(key)))) == 200
    assert status(user, owned_by(UUID(int=0))) == 403


class TestWhichAttribute:
    def test_the_views(self) -> None:
        assert status(ALICE, owned_by(ALICE, "writer"), owner_field="writer") == 200
        assert status(BOB, owned_by(ALICE, "writer"), owner_field="writer") == 403

    def test_a_subclass(self) -> None:
        assert status(ALICE, owned_by(ALICE, "author"), IsAuthor) == 200
        assert status(BOB, owned_by(ALICE, "author"), IsAuthor) == 403

    def test_the_view_goes_before_the_subclass(self) -> None:
        obj = SimpleNamespace(author=ALICE, writer=BOB)

        assert status(BOB, obj, IsAuthor, owner_field="writer") == 200
        assert status(ALICE, obj, IsAuthor, owner_field="writer") == 403

    @pytest.mark.parametrize("name", ["author", "author_id"])
    def test_of_a_model(self, name: str) -> None:
        post = Post(author=ALICE)

        assert status(ALICE, post, owner_field=name) == 200
        assert status(BOB, post, owner_field=name) == 403

    @pytest.mark.django_db
    def test_the_key_alone_costs_no_query(self, django_assert_num_queries: Any) -> None:
        alice = User.objects.create_user("alice")
        made = Post.objects.create(author=alice, title="x", body="x")

        with django_assert_num_queries(0):
            post = Post(pk=made.pk, author_id=alice.pk)
            assert status(alice, post, owner_field="author_id") == 200
        with django_assert_num_queries(1):
            assert status(alice, post, owner_field="author") == 200

    def test_one_that_is_not_there_is_a_mistake_and_no_refusal(self) -> None:
        with pytest.raises(AttributeError, match="owner"):
            status(ALICE, owned_by(ALICE, "author"))


@pytest.mark.parametrize(
    ("permission", "owner", "staff", "other", "nobody"),
    [
        (IsOwner, 200, 403, 403, 403),
        (IsOwner | IsAdminUser, 200, 200, 403, 403),
        (IsAdminUser | IsOwner, 200, 200, 403, 403),
        (IsOwner & IsAdminUser, 403, 403, 403, 403),
        (IsOwner & IsAuthenticated, 200, 403, 403, 403),
        (IsAuthenticated & (IsOwner | IsAdminUser), 200, 200, 403, 403),
        # Whoever says "or anybody" gets that.
        (IsOwner | Open, 200, 200, 200, 200),
        (IsOwner & AllowAny, 200, 403, 403, 403),
    ],
)
@pytest.mark.parametrize("anonymous", [AnonymousUser, None], ids=["AnonymousUser", "None"])
def test_composed(
    permission: Any, owner: int, staff: int, other: int, nobody: int, anonymous: Any
) -> None:
    with override_settings(REST_FRAMEWORK={"UNAUTHENTICATED_USER": anonymous}):
        answers = [status(user, owned_by(ALICE), permission) for user in (ALICE, STAFF, BOB, None)]

    assert answers == [owner, staff, other, nobody]


@pytest.mark.django_db
def test_a_lazy_user_is_not_loaded(django_assert_num_queries: Any) -> None:
    alice, bob = (User.objects.create_user(name) for name in ("alice", "bob"))
    made = Post.objects.create(author=alice, title="x", body="x")

    def asked(user: User, permission: Any, **owner: Any) -> int:
        return status(LazyUser(str(user.pk)), Post(pk=made.pk, **owner), permission, "author_id")

    recent = {"auth_time": time.time()}
    with django_assert_num_queries(0):
        for user, expected in ((alice, 200), (bob, 403)):
            assert asked(user, IsOwner, author=alice) == expected
            assert asked(user, IsOwner, author_id=alice.pk) == expected
            assert asked(user, IsAuthenticated & IsOwner, author_id=alice.pk) == expected
            assert status(LazyUser(str(user.pk)), owned_by(alice)) == expected
        assert status(LazyUser(str(alice.pk)), None, RecentSignIn(), auth=recent) == 200


def test_staff_who_own_it() -> None:
    assert status(STAFF, owned_by(STAFF), IsOwner & IsAdminUser) == 200


@override_settings(REST_FRAMEWORK={"UNAUTHENTICATED_USER": None})
def test_negated_owner_permission_allows_anonymous_users() -> None:
    """`~` asks for the object without asking for the user first."""
    assert status(None, owned_by(ALICE), ~IsOwner) == 200


class TestRecentSignIn:
    def test_recent(self) -> None:
        now = time.time()
        for auth in ({"auth_time": now}, Claims({**forge.claims(), "auth_time": int(now)})):
            assert status(ALICE, permission=RecentSignIn(), auth=auth) == 200

    @pytest.mark.parametrize(
        "auth",
        [
            None,  # Basic and session authentication
            "a service",
            b"bytes",
            5,
            time.time(),
            ["auth_time"],
            Post(pk=1),  # a row, as DRF's TokenAuthentication has it
            SimpleNamespace(auth_time=time.time(), get=lambda name, default=None: time.time()),
            {},
            *({"auth_time": odd} for odd in (None, "", "now", str(time.time()), [], {}, b"", True)),
            *({"auth_time": odd} for odd in (0, -1, float("nan"), time.time() - 301)),
        ],
        ids=lambda auth: type(auth).__name__,
    )
    def test_no_proof_of_ours_is_asked_for_one(self, auth: object) -> None:
        assert status(ALICE, permission=RecentSignIn(), auth=auth) == 401

    @pytest.mark.parametrize("anonymous", [AnonymousUser, None], ids=["AnonymousUser", "None"])
    def test_anonymous_user_is_refused(self, anonymous: Any) -> None:
        with override_settings(REST_FRAMEWORK={"UNAUTHENTICATED_USER": anonymous}):
            assert status(None, permission=RecentSignIn()) == 403
            assert status(None, permission=RecentSignIn(), auth={"auth_time": time.time()}) == 403


@pytest.mark.parametrize("user", ["alice", 5, {"pk": 1}, SimpleNamespace(is_authenticated=True)])
def test_what_is_no_user_owns_nothing(user: object) -> None:
    for owner in (ALICE, 1, None, "alice2"):
        assert status(user, owned_by(owner)) == 403


def test_a_user_of_claims_owns_what_has_its_key() -> None:
    user = TokenUser(Claims(forge.claims(sub="42")))
    assert status(user, owned_by("42")) == 200
    assert status(user, owned_by(TokenUser(Claims(forge.claims(sub="42"))))) == 200
    assert status(user, owned_by("43")) == 403


PROGRAM = """
import sys, django
from django.conf import settings

settings.configure(
    SECRET_KEY="a key of this program alone, 0123456789abcdefghijklmno",
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "drf_ratchet"],
    REST_FRAMEWORK={sys.argv[1]: [sys.argv[2]]},
)
django.setup()
from rest_framework.views import APIView

[kind] = getattr(APIView, sys.argv[1].removeprefix("DEFAULT_").lower())
print(f"{kind.__module__}.{kind.__qualname__}" == sys.argv[2])
"""


@pytest.mark.starts
@pytest.mark.any_database
@pytest.mark.parametrize(
    ("setting", "name"),
    [
        ("DEFAULT_PERMISSION_CLASSES", "drf_ratchet.permissions.IsOwner"),
        ("DEFAULT_AUTHENTICATION_CLASSES", "drf_ratchet.authentication.JWTAuthentication"),
        ("DEFAULT_AUTHENTICATION_CLASSES", "drf_ratchet.authentication.ImmediateJWTAuthentication"),
    ],
)
def test_a_setting_may_name_it(setting: str, name: str) -> None:
    """DRF's views import what the setting names, and so it must not import them."""
    environment = {key: v for key, v in os.environ.items() if key != "DJANGO_SETTINGS_MODULE"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, setting, name],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode, done.stdout) == (0, "True\n"), done.stderr
