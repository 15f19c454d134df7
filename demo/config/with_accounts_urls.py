"""The blog's URLs, those of django-allauth, and those that end its sign-ins in our session."""

from django.urls import include, path

from config.urls import urlpatterns as blog

urlpatterns = [
    *blog,
    path("accounts/", include("allauth.urls")),
    path("_allauth/", include("allauth.headless.urls")),
    path("api/", include("drf_ratchet.allauth.app_urls")),
    path("api/browser/", include("drf_ratchet.allauth.urls")),
]
