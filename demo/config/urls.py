"""The URLs of the demo: the lines of the README, the blog, the admin and the page."""

from django.contrib import admin
from django.urls import include, path

from blog.pages import HomePage

urlpatterns = [
    path("", HomePage.as_view(), name="home"),
    path("", include("drf_ratchet.well_known")),
    path("api/", include("drf_ratchet.urls")),
    path("api/browser/", include("drf_ratchet.browser.urls")),
    path("api/", include("blog.urls")),
    path("admin/", admin.site.urls),
]
