"""Errors of the endpoints that allauth's sign-ins concern."""

from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import PermissionDenied


class SecondFactorRequired(PermissionDenied):
    """The password is right, and the user has a second factor that allauth asks for."""

    default_detail = _("This account needs a second factor. Sign in with it.")
    default_code = "second_factor_required"
