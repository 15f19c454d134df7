"""Claims about a user, in the ID token and at the userinfo endpoint."""

from collections.abc import Callable
from typing import Any

from oauth2_provider.oauth2_validators import OAuth2Validator

from provider import VERIFIED


class ProfileValidator(OAuth2Validator):  # type: ignore[misc]
    """Adds the standard claims of the scopes ``email`` and ``profile``.

    The toolkit adds ``sub``. It leaves out claims whose scope was not granted (OpenID Connect Core
    1.0, section 5.4).
    """

    def get_additional_claims(self) -> dict[str, Callable[[Any], Any]]:
        """Return a function of the request for each claim."""
        return {
            "email": lambda request: request.user.email,
            "email_verified": lambda request: is_verified(request.user),
            "name": lambda request: request.user.get_full_name(),
            "preferred_username": lambda request: request.user.get_username(),
        }


def is_verified(user: Any) -> bool:
    """Return whether the provider has verified the address of a user.

    Args:
        user: an instance of Django's user model.
    """
    return bool(user.groups.filter(name=VERIFIED).exists())
