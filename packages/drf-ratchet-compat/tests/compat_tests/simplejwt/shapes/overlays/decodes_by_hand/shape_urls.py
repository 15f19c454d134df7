import consumers
from django.urls import path
from urls import urlpatterns as plain

urlpatterns = [
    path("socket/", consumers.in_the_loop),
    path("socket/by-hand/", consumers.by_hand),
    path("socket/logout/", consumers.AsyncLogout.as_view()),
    *plain,
]
