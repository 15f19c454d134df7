"""Tokens that are signed with the key of their user."""

import jwt
from keys.models import Key
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, UntypedToken


class KeyOfUser:
    def get_token_backend(self):
        claims = getattr(self, "payload", None)
        try:
            claims = claims or jwt.decode(self.token, options={"verify_signature": False})
            key = Key.objects.get(user__pk=claims["user_id"])
        except (jwt.InvalidTokenError, KeyError, Key.DoesNotExist):
            raise TokenError("Token is invalid") from None
        return TokenBackend("HS256", key.text)


class Access(KeyOfUser, AccessToken):
    pass


class Refresh(KeyOfUser, RefreshToken):
    access_token_class = Access


class Untyped(KeyOfUser, UntypedToken):
    pass
