from accounts.views import Logout
from django.urls import path
from keys.tokens import Refresh
from urls import urlpatterns as plain

urlpatterns = [path("logout/", Logout.as_view(token_class=Refresh)), *plain]
