"""What the blog's access tokens say besides what every access token says."""

from typing import Any

from django.contrib.auth.models import User
from rest_framework.request import Request

from drf_ratchet.models import Session


def access_claims(user: User, *, session: Session, request: Request | None) -> dict[str, Any]:
    """The blog's own claims. Asked for at every refresh too, so a role taken away is soon gone.

    Args:
        user: who signed in.
        session: the session that the token belongs to.
        request: the request that is being answered, if there is one.
    """
    return {
        "user_id": user.pk,
        "email": user.email,
        "username": user.get_username(),
        "role": "admin" if user.is_staff else "user",
    }
