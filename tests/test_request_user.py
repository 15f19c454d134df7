"""How "bounded" and "expiry" differ from "immediate": each line of docs/guarantees.md that says so.

Other user models: tests/custom_user. Beside Django's own lazy user: tests/sessions.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import SynchronousOnlyOperation
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import path
from rest_framework.generics import ListCreateAPIView
from rest_framework.renderers import BrowsableAPIRenderer, JSONRenderer, StaticHTMLRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIClient
from rest_framework.throttling import UserRateThrottle
from rest_framework.views import APIView

from blog.models import Post
from blog.serializers import PostSerializer
from drf_ratchet.models import Session
from drf_ratchet.permissions import IsOwner
from drf_ratchet.sessions import open_session
from drf_ratchet.sessions.lazy_user import LazyUser
from tests.fixtures import Tokens
from tests.test_views import assert_refused

#: Each with how many queries it takes to know who signed in.
FRESHNESS = [("immediate", 1), ("bounded", 0), ("expiry", 0)]


class Seen(APIView):
    look: Callable[[Any], Any]
    result: Any = None

    def get(self, request: Request) -> Response:
        Seen.result = type(self).look(request.user)
        return Response()


class OftenEnough(UserRateThrottle):
    rate = "1000/min"


class Posts(ListCreateAPIView[Post]):
    """What most views are: the user's own rows."""

    serializer_class = PostSerializer
    throttle_classes = (OftenEnough,)
    permission_classes = (IsOwner,)
    pagination_class = None

    def get_queryset(self) -> Any:
        return Post.objects.filter(author=self.request.user)

    def perform_create(self, serializer: Any) -> None:
        serializer.save(author=self.request.user)


class Browsable(APIView):
    renderer_classes = (BrowsableAPIRenderer, JSONRenderer)

    def get(self, request: Request) -> Response:
        return Response({})


urlpatterns = [
    path("seen/", Seen.as_view()),
    path("posts/", Posts.as_view()),
    path("browsable/", Browsable.as_view()),
    path("static/", Browsable.as_view(renderer_classes=(StaticHTMLRenderer,))),
]


@pytest.fixture(params=FRESHNESS, ids=[name for name, _ in FRESHNESS])
def own(request: pytest.FixtureRequest, tokens: Tokens, api: APIClient) -> Iterator[int]:
    """How many queries a request makes to know who signed in, by the freshness."""
    freshness, queries = request.param
    chosen = {"FRESHNESS": freshness, "FEED_INTERVAL": timedelta(hours=1)}
    with override_settings(ROOT_URLCONF=__name__, DRF_RATCHET=chosen):
        look_at(lambda user: None, tokens)  # the feed's first reading, what is compiled once
        yield queries


def look_at(look: Callable[[Any], Any], tokens: Tokens, status: int = 200) -> tuple[Any, int]:
    """What a view sees that looks at ``request.user`` so, and the queries of its request."""
    Seen.look, Seen.result = staticmethod(look), None
    with CaptureQueriesContext(connection) as made:
        answer = APIClient().get("/seen/", **tokens.bearer)
    assert answer.status_code == status, answer.content
    return (Seen.result if status == 200 else answer), len(made)


def test_who_it_is_takes_no_query(own: int, tokens: Tokens, alice: User) -> None:
    def look(user: Any) -> list[Any]:
        return [
            *(bool(user), user.is_authenticated, user.is_anonymous, user.pk, user.id),
            *(user == alice, alice == user, user in [alice], hash(user) == hash(alice)),
            *(isinstance(user, User), user.__class__ is User),
        ]

    expected = [True, True, False, alice.pk, alice.pk, True, True, True, True, True, True]
    assert look_at(look, tokens) == (expected, own)


def test_views_of_ones_own_rows_take_no_query_for_the_user(
    own: int, api: APIClient, tokens: Tokens, alice: User, django_assert_num_queries: Any
) -> None:
    """A permission, a throttle, ``filter(author=request.user)`` and ``save(author=…)``."""
    Post.objects.create(author=alice, title="one", body="one")
    Post.objects.create(author=User.objects.create_user("bob"), title="two", body="two")
    with django_assert_num_queries(own + 2):  # the posts, and the author's name of each
        listed = api.get("/posts/", **tokens.bearer).json()
    assert [post["title"] for post in listed] == ["one"]
    # To answer with the author's name the user is read, if it was not yet.
    with django_assert_num_queries(2):
        made = api.post("/posts/", {"title": "new", "body": "new"}, **tokens.bearer)
    assert (made.status_code, made.json()["author"]) == (201, "alice")


@pytest.mark.parametrize(
    "look",
    [
        lambda user: user.username,
        lambda user: (user.username, user.email, user.get_full_name(), user.is_staff),
        str,
        lambda user: hasattr(user, "no_such"),
        lambda user: setattr(user, "note", "x"),
    ],
)
def test_all_else_takes_one(own: int, tokens: Tokens, look: Callable[[Any], Any]) -> None:
    assert look_at(look, tokens)[1] == 1


def test_the_row_is_as_it_is_at_the_look(own: int, tokens: Tokens) -> None:
    def look(user: Any) -> str:
        User.objects.update(first_name="Changed")
        name: str = user.first_name
        return name

    assert look_at(look, tokens) == ("" if own else "Changed", 2)


def test_who_is_inactive_is_refused_at_the_look(own: int, api: APIClient, tokens: Tokens) -> None:
    """ "immediate" refuses the request. A request that does not look is answered by the others."""
    User.objects.update(is_active=False)  # no signal
    answer, queries = look_at(str, tokens, status=401)
    assert_refused(answer, "user_inactive")
    assert queries == 1
    assert look_at(lambda user: None, tokens, status=401 if own else 200)[1] == own


def test_who_is_deleted_is_refused_at_the_look(own: int, tokens: Tokens) -> None:
    Session.objects.update(user=None)
    User.objects.all()._raw_delete("default")  # no signal
    answer, queries = look_at(str, tokens, status=401)
    assert_refused(answer, "session_ended" if own else "user_inactive")
    assert queries == (1 if own else 2)  # by the session, and by the key
    assert look_at(lambda user: None, tokens, status=401 if own else 200)[1] == own


def test_another_user_who_gets_the_name_is_not_the_tokens(own: int, tokens: Tokens) -> None:
    """Where ``USER_ID_FIELD`` can change hands, the session still tells whose token it is."""
    known = settings.DRF_RATCHET
    with override_settings(DRF_RATCHET={**known, "USER_ID_FIELD": "username"}):
        alice = User.objects.get()
        named = Tokens(open_session(alice).access, "")
        assert look_at(lambda user: user.email, named)[0] == "alice@example.com"
        User.objects.update(username="alicia")
        User.objects.create_user("alice", "another@example.com")
        answer, queries = look_at(lambda user: user.email, named, status=401)
    assert_refused(answer, "session_ended" if own else "user_inactive")
    assert queries == 1


def test_a_session_of_another_database(own: int, tokens: Tokens) -> None:
    """A service with a copy of the users, and without the sessions: by ``USER_ID_FIELD``."""
    Session.objects.all().delete()
    if not own:
        assert look_at(str, tokens) == ("alice", 2)


def test_the_passwords_fingerprint_is_not_compared(own: int, tokens: Tokens) -> None:
    """A password that is changed without a signal is seen at the next refresh."""
    User.objects.update(password="!")
    answer, queries = look_at(str, tokens, status=401 if own else 200)
    assert queries == 1
    if own:
        assert_refused(answer, "password_changed")


def test_its_type_is_not_the_model(own: int, tokens: Tokens) -> None:
    (kind, same), queries = look_at(lambda user: (type(user), isinstance(user, User)), tokens)
    assert (kind, same, queries) == (User if own else LazyUser, True, own)


@pytest.mark.parametrize("url", ["/browsable/", "/static/"])
def test_pages_read_it_before_the_view(
    own: int, api: APIClient, tokens: Tokens, url: str, django_assert_num_queries: Any
) -> None:
    """A page is rendered after the view, where DRF answers no refusal any more."""
    html = {"HTTP_ACCEPT": "text/html", **tokens.bearer}
    with django_assert_num_queries(1):
        assert api.get(url, **html).status_code == 200
    User.objects.update(is_active=False)
    with django_assert_num_queries(1):
        answer = api.get(url, **html)
    assert answer.status_code == 401


def test_in_async_code_a_look_is_an_error(own: int, tokens: Tokens) -> None:
    """As with Django's own ``request.user``."""

    def look(user: Any) -> str:
        async def inside() -> str:
            try:
                return str(user)
            except SynchronousOnlyOperation:
                return "refused"

        found: str = async_to_sync(inside)()
        return found

    assert look_at(look, tokens)[0] == ("alice" if own else "refused")
