from accounts.views import Logout
from django.urls import path
from kinds.serializers import RefreshMachine
from kinds.tokens import Invitation, Kiosk, Reset
from kinds.views import Once
from rest_framework_simplejwt.views import TokenRefreshView
from urls import urlpatterns as plain

urlpatterns = [
    path("logout/", Logout.as_view(token_class=Kiosk)),
    path("machine/refresh/", TokenRefreshView.as_view(serializer_class=RefreshMachine)),
    path("reset/", Once.as_view(token_class=Reset)),
    path("invitation/", Once.as_view(token_class=Invitation)),
    *plain,
]
