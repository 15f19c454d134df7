"""Logging out by blacklisting a token."""

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet
from rest_framework import mixins, status
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from drf_ratchet_compat.drf_jwt.authentication import JSONWebTokenAuthentication
from drf_ratchet_compat.drf_jwt.blacklist.exceptions import MissingToken
from drf_ratchet_compat.drf_jwt.blacklist.models import BlacklistedToken
from drf_ratchet_compat.drf_jwt.blacklist.serializers import BlacklistTokenSerializer
from drf_ratchet_compat.drf_jwt.views import BaseJSONWebTokenAPIView


class BlacklistView(
    BaseJSONWebTokenAPIView, mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Any]
):
    """A token in the body, or the request's own: its session ends.

    Reading shows one's own alone; nothing can be changed or taken back.
    """

    http_method_names = ["get", "post", "head", "options"]
    authentication_classes = tuple(GenericViewSet.authentication_classes)
    permission_classes = (IsAuthenticated,)
    serializer_class = BlacklistTokenSerializer
    queryset = BlacklistedToken.objects.none()

    @classmethod
    def as_view(cls, actions: Any = None, **initkwargs: Any) -> Any:
        """As any view set's, and as our other views: outside of ``ATOMIC_REQUESTS``, discreet."""
        return super().as_view(actions=actions, **initkwargs)

    def get_queryset(self) -> QuerySet[BlacklistedToken]:
        """One's own."""
        return BlacklistedToken.objects.filter(user=self.request.user).order_by("-pk")

    def get_authenticate_header(self, request: Request) -> Any:
        """The ``WWW-Authenticate`` of a 401, as the first authenticator says it."""
        return GenericViewSet.get_authenticate_header(self, request)

    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """405: a router puts ``create`` in its place, where that is to be."""
        raise MethodNotAllowed(request.method or "")

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Log out."""
        serializer: Any = self.get_serializer(data=self.get_data(request))
        serializer.is_valid(raise_exception=True)
        serializer.save()
        return Response(serializer.data, status=status.HTTP_201_CREATED)

    def get_data(self, request: Request) -> Any:
        """The body; one that names no token takes the request's own."""
        data: Any = request.data
        if not isinstance(data, Mapping) or "token" in data:
            return data
        try:
            token = JSONWebTokenAuthentication.get_token_from_request(request)
        except MissingToken:
            token = None
        return {"token": token or ""}
