from cookies.views import Logout, Refresh, SignIn
from django.urls import path
from urls import urlpatterns as plain

urlpatterns = [
    path("token/", SignIn.as_view()),
    path("token/refresh/", Refresh.as_view()),
    path("logout/", Logout.as_view()),
    *plain,
]
