"""The blog's URLs when a service runs beside it."""

from django.urls import include, path

from config.urls import urlpatterns as blog

urlpatterns = [path("api/", include("drf_ratchet.services.urls")), *blog]
