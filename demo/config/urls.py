"""The URLs of the demo: drf-ratchet's endpoints, the blog, the admin and the page."""

from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView

from blog.pages import ApiDocs, HomePage
from drf_ratchet_compat.drf_jwt.views import (
    obtain_jwt_token,
    refresh_jwt_token,
    verify_jwt_token,
)

urlpatterns = [
    path("", HomePage.as_view(), name="home"),
    path("", include("drf_ratchet.well_known")),
    path("api/", include("drf_ratchet.urls")),
    path("api/browser/", include("drf_ratchet.browser.urls")),
    path("api/", include("blog.urls")),
    path("api/schema/", SpectacularAPIView.as_view(authentication_classes=()), name="schema"),
    path("api/docs/", ApiDocs.as_view(), name="api_docs"),
    path("api-auth/", include("drf_ratchet.browser.browsable_urls")),
    path("api-token-auth/", obtain_jwt_token, name="jwt_obtain"),
    path("api-token-refresh/", refresh_jwt_token, name="jwt_refresh"),
    path("api-token-verify/", verify_jwt_token, name="jwt_verify"),
    path("admin/", admin.site.urls),
]
