"""The endpoints, for ``include("drf_ratchet.urls")``.

No ``app_name``: a namespace would break the names under DRF's ``NamespaceVersioning``.
"""

from django.urls import path

from drf_ratchet import views

urlpatterns = [
    path("token/", views.TokenObtainPairView.as_view(), name="token_obtain_pair"),
    path("token/refresh/", views.TokenRefreshView.as_view(), name="token_refresh"),
    path("token/verify/", views.TokenVerifyView.as_view(), name="token_verify"),
    path("logout/", views.LogoutView.as_view(), name="logout"),
]
