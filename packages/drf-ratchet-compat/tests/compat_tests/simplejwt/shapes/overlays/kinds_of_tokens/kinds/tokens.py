"""Token classes of the project's own."""

from datetime import timedelta

from rest_framework_simplejwt.tokens import AccessToken, BlacklistMixin, RefreshToken, Token


class KioskAccess(AccessToken):
    token_type = "kiosk_access"
    lifetime = timedelta(minutes=10)


class Kiosk(RefreshToken):
    token_type = "kiosk"
    lifetime = timedelta(days=30)
    access_token_class = KioskAccess
    # Written down before anything could add to it.
    no_copy_claims = ("token_type", "exp", "jti", "iat")


class Machine(RefreshToken):
    """Of no user."""

    token_type = "machine"


class Reset(BlacklistMixin, Token):
    """For one new password. It refreshes nothing."""

    token_type = "reset"
    lifetime = timedelta(hours=1)


class Invitation(BlacklistMixin, Token):
    """For somebody who is no user yet."""

    token_type = "invitation"
    lifetime = timedelta(days=3)
