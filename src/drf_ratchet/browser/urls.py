"""URLs of the endpoints for browsers: ``include("drf_ratchet.browser.urls")``.

A project with a sign-in of its own includes ``drf_ratchet.browser.session_urls`` instead, because
these URLs contain a sign-in by password.
"""

from django.urls import path

from drf_ratchet.browser import session_urls, views

urlpatterns = [
    path("login/", views.BrowserLoginView.as_view(), name="browser_login"),
    *session_urls.urlpatterns,
]
