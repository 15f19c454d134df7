"""The mixin for the admin of a user model, on pages with and without fieldsets of their own."""

import re
from typing import Any

import pytest
from django.contrib import admin as django_admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Permission, User
from django.test import RequestFactory
from django.urls import reverse

from drf_ratchet.admin import SessionsOfUser

pytestmark = pytest.mark.django_db


class Full(SessionsOfUser, UserAdmin):
    """Fieldsets of its own."""


class Bare(SessionsOfUser, django_admin.ModelAdmin):
    """None."""

    fields = ("username",)


class Barest(SessionsOfUser, django_admin.ModelAdmin):
    """Not even fields."""


def page(admin_class: Any, user: User, shown: User | None) -> str:
    request = RequestFactory().get("/")
    request.user = user
    made = admin_class(User, django_admin.site)
    answer = made.changeform_view(request, None if shown is None else str(shown.pk))
    text: str = answer.render().content.decode()
    return text


@pytest.mark.parametrize("admin_class", [Full, Bare, Barest])
def test_the_link_is_on_the_users_page(admin_class: Any, alice: User) -> None:
    root = User.objects.create_superuser("root")
    sessions = reverse("admin:drf_ratchet_session_changelist")
    link = rf'<a href="{sessions}\?user={alice.pk}">Sessions of this user</a>'

    assert len(re.findall(link, page(admin_class, root, alice))) == 1
    assert sessions + "?" not in page(admin_class, root, None)


def test_link_needs_the_view_permission(alice: User) -> None:
    staff = User.objects.create_user("staff", is_staff=True)
    staff.user_permissions.set(Permission.objects.filter(codename="change_user"))
    assert "Sessions of this user" not in page(Full, staff, alice)
