"""What no release had and a tutorial names: the single token, as an object."""

from typing import Any, Self

from drf_ratchet_compat.drf_jwt.issuing import issue
from drf_ratchet_compat.drf_jwt.reading import Payload, read_token
from drf_ratchet_compat.drf_jwt.refreshing import renew
from drf_ratchet_compat.drf_jwt.settings import api_settings


class AccessToken:
    """A token that is good. ``str()`` gives it; its repr does not show it.

    Args:
        token: what the client sent; anything.
        request: the request that brought it, for a callable ``ISSUER``.

    Raises:
        InvalidTokenError: or one of its kinds: it is refused.
    """

    def __init__(self, token: object, request: Any = None) -> None:
        self.payload: Payload = read_token(token, "immediate", request=request)
        self._token = str(token)

    @classmethod
    def for_user(cls, user: Any, request: Any = None) -> Self:
        """The first token of a new session.

        Args:
            user: whose; that they may sign in has been found out.
            request: the request that signs in: its user agent and address are kept.
        """
        payload = api_settings.JWT_PAYLOAD_HANDLER(user)
        return cls(issue(user, payload, request=request).token, request)

    @property
    def user(self) -> Any:
        """Whose it is."""
        return self.payload.user

    def __getitem__(self, name: str) -> Any:
        return self.payload[name]

    def __str__(self) -> str:
        return self._token

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class RefreshToken(AccessToken):
    """The same token, seen as what it is refreshed with."""

    def refresh(self, request: Any = None) -> AccessToken:
        """The next token of its session.

        Raises:
            ValidationError: it cannot be refreshed any more.
        """
        # Late: serializers import authenticators, which projects import early.
        from drf_ratchet_compat.drf_jwt.serializers import RefreshAuthTokenSerializer

        serializer = RefreshAuthTokenSerializer(context={"request": request})
        new_payload = {
            **api_settings.JWT_PAYLOAD_HANDLER(self.user),
            **serializer.kept(self.payload),
        }
        token = renew(self.payload, new_payload, request=request).token
        return AccessToken(token, request)
