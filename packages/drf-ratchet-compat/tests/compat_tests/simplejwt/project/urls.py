"""The project's URLs."""

from django.contrib import admin
from django.urls import path

from accounts.views import (
    EverythingOut,
    Logout,
    Protected,
    SignIn,
    Stateless,
)
from rest_framework_simplejwt.views import (
    TokenBlacklistView,
    TokenObtainPairView,
    TokenObtainSlidingView,
    TokenRefreshSlidingView,
    TokenRefreshView,
    TokenVerifyView,
    token_obtain_pair,
)

urlpatterns = [
    path("token/", TokenObtainPairView.as_view()),
    path("token/function/", token_obtain_pair),
    path("token/claims/", SignIn.as_view()),
    path("token/refresh/", TokenRefreshView.as_view()),
    path("token/verify/", TokenVerifyView.as_view()),
    path("token/blacklist/", TokenBlacklistView.as_view()),
    path("token/sliding/", TokenObtainSlidingView.as_view()),
    path("token/sliding/refresh/", TokenRefreshSlidingView.as_view()),
    path("logout/", Logout.as_view()),
    path("logout/everywhere/", EverythingOut.as_view()),
    path("protected/", Protected.as_view()),
    path("stateless/", Stateless.as_view()),
    path("admin/", admin.site.urls),
]
