"""Whose session has not ended."""

from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from drf_ratchet_compat.drf_jwt.authentication import JSONWebTokenAuthentication
from drf_ratchet_compat.drf_jwt.blacklist.exceptions import MissingToken
from drf_ratchet_compat.drf_jwt.exceptions import InvalidTokenError
from drf_ratchet_compat.drf_jwt.generations import Why
from drf_ratchet_compat.drf_jwt.reading import read_token

if TYPE_CHECKING:
    # Not at run time: settings may name the classes here, and DRF's views read those settings.
    from rest_framework.views import APIView


class IsNotBlacklisted(BasePermission):
    """Refuses the token of a session that has ended; a request without one passes."""

    message = _("You have been blacklisted.")

    def has_permission(self, request: Request, view: "APIView") -> bool:
        """Whether the session of the request's token is alive."""
        try:
            token = JSONWebTokenAuthentication.get_token_from_request(request)
        except MissingToken:
            return True
        if token is None:
            return True
        try:
            read_token(token, "immediate", request=request)
        except InvalidTokenError as refused:
            return refused.why is not Why.ENDED
        return True
