"""URLs to sign in to DRF's browsable API: ``include("drf_ratchet.browser.browsable_urls")``.

They replace ``rest_framework.urls``: DRF's pages link to these two names in this namespace.
"""

from django.urls import path

from drf_ratchet.browser import page_views

app_name = "rest_framework"

urlpatterns = [
    path("login/", page_views.LoginPage.as_view(), name="login"),
    path("logout/", page_views.LogoutPage.as_view(), name="logout"),
]
