"""Signing in to DRF's browsable API, for ``include("drf_ratchet.browser.browsable_urls")``.

In place of ``rest_framework.urls``: DRF's pages look for these two names in this namespace.
"""

from django.urls import path

from drf_ratchet.browser import pages

app_name = "rest_framework"

urlpatterns = [
    path("login/", pages.LoginPage.as_view(), name="login"),
    path("logout/", pages.LogoutPage.as_view(), name="logout"),
]
