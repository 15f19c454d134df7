"""The blog's own claims in access tokens."""

from typing import Any

from django.contrib.auth.models import User
from rest_framework.request import Request

from drf_ratchet.models import Session


def access_claims(user: User, *, session: Session, request: Request | None) -> dict[str, Any]:
    """Return the blog's own claims.

    Every refresh calls this, too, so a changed role is in the next access token.

    Args:
        user: the user who signs in.
        session: the session of the token.
        request: the current request, or None.
    """
    return {
        "user_id": user.pk,
        "email": user.email,
        "username": user.get_username(),
        "role": "admin" if user.is_staff else "user",
    }
