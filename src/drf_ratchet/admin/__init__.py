"""Show sessions and keys in Django's admin, and end sessions there.

Django imports this module only where ``django.contrib.admin`` is installed.
"""

from django.contrib import admin

from drf_ratchet.admin.sessions import SessionAdmin
from drf_ratchet.admin.user_link import SessionsOfUser
from drf_ratchet.models import Session

__all__ = ["SessionAdmin", "SessionsOfUser"]

admin.site.register(Session, SessionAdmin)
