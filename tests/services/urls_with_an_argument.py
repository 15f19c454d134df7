"""The endpoints for services, one for each tenant."""

from django.urls import include, path

urlpatterns = [path("<str:tenant>/", include("drf_ratchet.services.urls"))]
