from django.urls import path
from people.views import Me
from urls import urlpatterns as plain

urlpatterns = [path("protected/", Me.as_view()), *plain]
