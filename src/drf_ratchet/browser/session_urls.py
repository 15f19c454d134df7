"""URLs for browsers without the sign-in: ``include("drf_ratchet.browser.session_urls")``."""

from django.urls import path

from drf_ratchet.browser import views

urlpatterns = [
    path("refresh/", views.BrowserRefreshView.as_view(), name="browser_refresh"),
    path("logout/", views.BrowserLogoutView.as_view(), name="browser_logout"),
    path("session/", views.BrowserSessionView.as_view(), name="browser_session"),
    path("step-up/", views.BrowserStepUpView.as_view(), name="browser_step_up"),
]
