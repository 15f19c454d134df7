"""The sessions and the keys in Django's admin, to be looked at; and sessions to be ended.

Django loads it where ``django.contrib.admin`` is installed. Elsewhere nothing imports it.
"""

from django.contrib import admin

from drf_ratchet.admin.sessions import SessionAdmin
from drf_ratchet.admin.user_link import SessionsOfUser
from drf_ratchet.models import Session

__all__ = ["SessionAdmin", "SessionsOfUser"]

admin.site.register(Session, SessionAdmin)
