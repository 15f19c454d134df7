from django.urls import include, path
from urls import urlpatterns as plain

urlpatterns = [
    path("auth/", include("djoser.urls")),
    path("auth/", include("djoser.urls.jwt")),
    *plain,
]
