"""What finding a token in a request raises."""

from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import AuthenticationFailed


class MissingToken(AuthenticationFailed):
    """There is none."""

    msg = _("The token is missing.")
    default_code = "token_missing"


class InvalidAuthorizationCredentials(AuthenticationFailed):
    """The Authorization header is not two words."""

    msg = _("Invalid Authorization header.")
    default_code = "invalid_authorization_credentials"
