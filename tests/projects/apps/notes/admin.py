"""The pages of the project's own models, and of its own users."""

from django.contrib import admin
from django.contrib.auth import get_user_model

from drf_ratchet.admin import SessionsOfUser
from tests.projects.apps.notes.models import Note


class UserAdmin(SessionsOfUser, admin.ModelAdmin):
    """Django has one for its own."""


admin.site.register(Note)
if not admin.site.is_registered(get_user_model()):
    admin.site.register(get_user_model(), UserAdmin)
