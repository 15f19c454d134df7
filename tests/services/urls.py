"""The demo's, with the endpoints for services."""

from django.urls import include, path

from config.urls import urlpatterns as blog

# In front: the demo's own urls may or may not have them.
urlpatterns = [path("api/", include("drf_ratchet.services.urls")), *blog]
