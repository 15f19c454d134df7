"""The tests' URLs, with a view that asks something of ``request.user``."""

from collections.abc import Callable
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import include, path
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIClient
from rest_framework.views import APIView

from tests.fixtures import Tokens

Look = Callable[[Any], Any]


class LookView(APIView):
    permission_classes = (IsAuthenticated,)
    look: Look = staticmethod(lambda user: None)
    seen: list[Any]

    def get(self, request: Request) -> Response:
        LookView.seen.append(type(self).look(request.user))
        return Response()


urlpatterns = [path("look/", LookView.as_view()), path("", include("config.urls"))]


def answer_to(look: Look, tokens: Tokens) -> Any:
    """The response of a view that looks at the user in that way."""
    LookView.look, LookView.seen = staticmethod(look), []
    return APIClient().get("/look/", **tokens.bearer)


def seen_by(look: Look, tokens: Tokens) -> Any:
    """What a view sees that looks at the user in that way."""
    answer = answer_to(look, tokens)
    assert answer.status_code == 200, answer.content
    return LookView.seen[0]


def queries_of(look: Look, tokens: Tokens) -> int:
    """How many queries a request makes whose view looks at the user in that way."""
    with CaptureQueriesContext(connection) as made:
        seen_by(look, tokens)
    return len(made)
