"""Every URL module that the package has, as a project would include it."""

from django.urls import include, path

urlpatterns = [
    path("api/", include("drf_ratchet.urls")),
    path("api/browser/", include("drf_ratchet.browser.urls")),
    path("api/", include("drf_ratchet.services.urls")),
    path("api-auth/", include("drf_ratchet.browser.browsable_urls")),
    path("", include("drf_ratchet.well_known")),
]
