"""All endpoints, for ``include("drf_ratchet.urls")``: ``token/`` and those of ``session_urls``.

``token/`` signs users in by a password. A project with a sign-in view of its own includes
``drf_ratchet.session_urls`` instead.
"""

from django.urls import path

from drf_ratchet import session_urls, views

urlpatterns = [
    path("token/", views.TokenObtainPairView.as_view(), name="token_obtain_pair"),
    *session_urls.urlpatterns,
]
