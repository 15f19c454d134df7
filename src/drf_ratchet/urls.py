"""The endpoints, for ``include("drf_ratchet.urls")``: those of ``session_urls``, and ``token/``.

A project with a sign-in of its own includes ``drf_ratchet.session_urls``: these here open a sign-in
by password.
"""

from django.urls import path

from drf_ratchet import session_urls, views

urlpatterns = [
    path("token/", views.TokenObtainPairView.as_view(), name="token_obtain_pair"),
    *session_urls.urlpatterns,
]
