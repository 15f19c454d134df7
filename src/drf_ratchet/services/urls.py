"""URLs of the endpoints for services: ``include("drf_ratchet.services.urls")``."""

from django.urls import path

from drf_ratchet.services import views

urlpatterns = [
    path("introspect/", views.IntrospectView.as_view(), name="introspect"),
    path("revoke/", views.RevokeView.as_view(), name="revoke"),
    path("ended-sessions/", views.EndedSessionsView.as_view(), name="ended_sessions"),
]
