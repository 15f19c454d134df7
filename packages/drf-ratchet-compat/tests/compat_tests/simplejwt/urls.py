"""simplejwt's views, and what projects build of its classes."""

from django.urls import path
from rest_framework_simplejwt import views as simplejwt

from compat_tests.simplejwt import views

urlpatterns = [
    path("token/", simplejwt.TokenObtainPairView.as_view()),
    path("token/refresh/", simplejwt.TokenRefreshView.as_view()),
    path("token/verify/", simplejwt.TokenVerifyView.as_view()),
    path("token/blacklist/", simplejwt.TokenBlacklistView.as_view()),
    path("sliding/", simplejwt.TokenObtainSlidingView.as_view()),
    path("sliding/refresh/", simplejwt.TokenRefreshSlidingView.as_view()),
    path("me/", views.Me.as_view()),
    path("logout/", views.LogOut.as_view()),
    path("logout/plain/", views.log_out),
    path("logout/failing/", views.FailingLogOut.as_view()),
    path("rotate/", views.CopiedRotation.as_view()),
    path("rotate/split/", views.SplitRotation.as_view()),
    path("replace/", views.Replacement.as_view()),
    path("subclass/", views.SubclassedRefresh.as_view()),
]
