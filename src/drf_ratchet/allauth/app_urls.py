"""URLs for allauth's app client: ``include("drf_ratchet.allauth.app_urls")``.

Include them beside ``drf_ratchet.session_urls``, which contain no sign-in by password.
"""

from django.urls import path

from drf_ratchet.allauth import views

urlpatterns = [
    path("step-up/allauth/", views.AllauthStepUpView.as_view(), name="allauth_step_up"),
]
