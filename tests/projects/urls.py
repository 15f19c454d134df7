"""The URLs of every project here, under the route that the shape names."""

from collections.abc import Sequence
from typing import Any

from django.apps import apps
from django.conf import settings
from django.conf.urls.i18n import i18n_patterns
from django.contrib import admin
from django.urls import include, path
from rest_framework.urlpatterns import format_suffix_patterns

from tests.projects import views
from tests.projects.shape import Shape

shape: Shape = settings.GAUNTLET

own = [
    path("protected/", views.ProtectedView.as_view()),
    path("open/", views.OpenView.as_view()),
    path("me/", views.MeView.as_view()),
    path("ask/", views.AskView.as_view()),
    path("user/", views.UserView.as_view()),
    path("recent/", views.RecentView.as_view()),
    path("password/", views.PasswordView.as_view()),
    path("notes/", views.NotesView.as_view()),
    path("notes/<int:pk>/", views.NoteView.as_view()),
]
api: Sequence[Any] = [
    path("", include("drf_ratchet.urls")),
    path("browser/", include("drf_ratchet.browser.urls")),
    path("services/", include("drf_ratchet.services.urls")),
    *own,
]
if shape.suffix:
    api = format_suffix_patterns(api, allowed=["json"])
if shape.namespace:
    api = [path("", include((api, shape.namespace), namespace=shape.namespace))]
mounted: Sequence[Any] = [path(f"{shape.route}api/", include(api))]
if shape.i18n:
    mounted = i18n_patterns(*mounted)

urlpatterns = [path("", include("drf_ratchet.well_known")), *mounted]
if apps.is_installed("django.contrib.admin"):
    urlpatterns += [path("admin/", admin.site.urls)]
