"""Our urls, and a view that says nothing of what it answers."""

from django.urls import include, path
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response


@api_view()
def careless(request: Request) -> Response:
    return Response({"who": "knows"})


urlpatterns = [path("api/", include("drf_ratchet.urls")), path("careless/", careless)]
