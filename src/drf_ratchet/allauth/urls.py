"""URLs for allauth's browser client: ``include("drf_ratchet.allauth.urls")``.

Include them beside ``drf_ratchet.browser.session_urls``, which contain no sign-in by password.
"""

from django.urls import path

from drf_ratchet.allauth import views

urlpatterns = [
    path("session/exchange/", views.ExchangeView.as_view(), name="allauth_exchange"),
]
