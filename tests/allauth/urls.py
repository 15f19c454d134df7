"""allauth's headless endpoints, and ours without a sign-in of our own."""

from django.urls import include, path

urlpatterns = [
    path("accounts/", include("allauth.urls")),
    path("_allauth/", include("allauth.headless.urls")),
    path("api/", include("drf_ratchet.session_urls")),
    path("api/browser/", include("drf_ratchet.browser.session_urls")),
    path("api/browser/", include("drf_ratchet.allauth.urls")),
]
