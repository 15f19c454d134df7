"""All endpoints except the sign-in, for ``include("drf_ratchet.session_urls")``.

The module has no ``app_name``: a namespace would break the names under DRF's
``NamespaceVersioning``.
"""

from django.urls import path

from drf_ratchet import views

urlpatterns = [
    path("token/refresh/", views.TokenRefreshView.as_view(), name="token_refresh"),
    path("token/verify/", views.TokenVerifyView.as_view(), name="token_verify"),
    path("logout/", views.LogoutView.as_view(), name="logout"),
    path("logout/all/", views.LogoutAllView.as_view(), name="logout_all"),
    path("sessions/", views.SessionListView.as_view(), name="session_list"),
    path("sessions/<str:id>/", views.SessionDetailView.as_view(), name="session_detail"),
    path("step-up/", views.StepUpView.as_view(), name="step_up"),
]
