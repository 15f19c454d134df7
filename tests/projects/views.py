"""The views of every project here: what people write on top of drf-ratchet."""

import copy
import pickle
from collections.abc import Callable
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from rest_framework import generics, serializers
from rest_framework.parsers import JSONParser
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from drf_ratchet.permissions import IsOwner, RecentSignIn
from drf_ratchet.sessions import keep_session
from tests.projects.apps.notes.models import Note


class OwnView(APIView):
    """What these have in common: no description, for a project's own are not what is tested."""

    schema = None


class ProtectedView(OwnView):
    """Asks who it is and no more, as most views do."""

    permission_classes = [IsAuthenticated]

    def get(self, request: Request, **captured: Any) -> Response:
        return Response({"id": str(request.user.pk)})


class OpenView(OwnView):
    """For everybody, signed in or not."""

    permission_classes = [AllowAny]

    def get(self, request: Request, **captured: Any) -> Response:
        known = request.user is not None and request.user.is_authenticated
        return Response({"known": known})


class MeView(OwnView):
    """Says what the user's row holds."""

    permission_classes = [IsAuthenticated]

    def get(self, request: Request, **captured: Any) -> Response:
        return Response({"name": request.user.get_username()})


class RecentView(OwnView):
    """For what asks for a password again."""

    permission_classes = [IsAuthenticated, RecentSignIn(minutes=5)]

    def get(self, request: Request, **captured: Any) -> Response:
        return Response({})


class NoteSerializer(serializers.ModelSerializer[Note]):
    owner = serializers.HiddenField(default=serializers.CurrentUserDefault())

    class Meta:
        model = Note
        fields = ("id", "owner", "text")


class NotesView(generics.ListCreateAPIView[Note]):
    """The user's own."""

    parser_classes = [JSONParser]
    permission_classes = [IsAuthenticated]
    serializer_class = NoteSerializer
    pagination_class = None
    # drf-spectacular looks at the model, and not at a user that nobody is.
    queryset = Note.objects.none()

    def get_queryset(self) -> Any:
        return Note.objects.filter(owner=self.request.user)


class NoteView(generics.RetrieveDestroyAPIView[Note]):
    """One, for its owner alone."""

    permission_classes = [IsOwner]
    serializer_class = NoteSerializer
    queryset = Note.objects.all()


class PasswordView(OwnView):
    """A new password; this device stays signed in."""

    parser_classes = [JSONParser]
    permission_classes = [IsAuthenticated]

    def post(self, request: Request, **captured: Any) -> Response:
        user = request.user
        user.set_password(request.data["password"])
        with keep_session(request.auth):
            user.save()
        return Response({})


class AskView(OwnView):
    """Does with ``request.user`` what a step of the story asks for."""

    permission_classes = [IsAuthenticated]

    def get(self, request: Request, **captured: Any) -> Response:
        session = request.auth["sid"]
        asked[session] = asked[session](request.user)
        return Response({})


#: What to do with the user of a session; then, what came of it.
asked: dict[str, Any] = {}


class UserView(OwnView):
    """Does with ``request.user`` what code that knows Django's may do with it."""

    permission_classes = [IsAuthenticated]

    def get(self, request: Request, **captured: Any) -> Response:
        return Response(
            {"wrong": [name for name, holds in USER.items() if not _holds(holds, request)]}
        )


def _holds(holds: Callable[[Any, Any], Any], request: Request) -> bool:
    return bool(holds(request.user, _row(request)))


def _row(request: Request) -> Any:
    return get_user_model()._default_manager.get(pk=request.user.pk)


def _saved(user: Any, row: Any) -> bool:
    user.last_login = row.last_login
    user.save(update_fields=["last_login"])
    user.save()
    return bool(row == user)


def _owns(user: Any, row: Any) -> bool:
    note = Note(owner=user, text="mine")
    note.save()
    found = Note.objects.select_related("owner").get(owner=user, pk=note.pk)
    note.delete()
    return bool(found.owner == user and note.owner is user)


#: What holds of Django's own ``request.user``, given the row as the model's manager loads it.
USER: dict[str, Callable[[Any, Any], Any]] = {
    "is authenticated": lambda user, row: user.is_authenticated is True,
    "is not anonymous": lambda user, row: user.is_anonymous is False,
    "is true": lambda user, row: bool(user),
    "has a primary key": lambda user, row: user.pk == row.pk and user.pk is not None,
    "equals the row": lambda user, row: user == row and row == user and (user != row) is False,
    "has the hash of the row": lambda user, row: hash(user) == hash(row) and user in {row},
    "is an instance": lambda user, row: isinstance(user, get_user_model()),
    "is not nobody": lambda user, row: not isinstance(user, AnonymousUser),
    "has the class of the row": lambda user, row: user.__class__ is row.__class__,
    "prints as the row": lambda user, row: str(user) == str(row),
    "has its name": lambda user, row: user.get_username() == row.get_username(),
    "is active": lambda user, row: user.is_active is True,
    "can be copied": lambda user, row: copy.copy(user) == row and copy.copy(user).pk == row.pk,
    "can be copied deeply": lambda user, row: copy.deepcopy(user) == row,
    "can be pickled": lambda user, row: pickle.loads(pickle.dumps(user)) == row,
    "has the columns": lambda user, row: all(
        getattr(user, field.attname) == getattr(row, field.attname)
        for field in row._meta.concrete_fields
    ),
    "has what __init__ sets": lambda user, row: (
        vars(row).keys() - {"_state"} <= {name for name in vars(row) if hasattr(user, name)}
    ),
    "is in no state of its own": lambda user, row: (
        user._state.adding is False and user._state.db is not None
    ),
    "owns things": _owns,
    "finds its things": lambda user, row: list(user.notes.all()) == list(row.notes.all()),
    "can be looked up": lambda user, row: type(row)._default_manager.filter(pk=user.pk).exists(),
    "is a value of a query": lambda user, row: Note.objects.filter(owner__in=[user]).count() >= 0,
    "can be saved": _saved,
    "can be refreshed": lambda user, row: user.refresh_from_db() is None,
    "has no fewer permissions": lambda user, row: (
        not hasattr(row, "has_perm")
        or user.has_perm("notes.add_note") == row.has_perm("notes.add_note")
    ),
}
