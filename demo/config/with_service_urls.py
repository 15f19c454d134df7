"""The blog's URLs with a service beside it."""

from django.urls import include, path

from config.urls import urlpatterns as blog

urlpatterns = [path("api/", include("drf_ratchet.services.urls")), *blog]
