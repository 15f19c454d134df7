"""drf-jwt's endpoints as its documentation has them, on the real one."""

from django.apps import apps
from django.urls import include, path
from rest_framework.decorators import api_view
from rest_framework.response import Response
from rest_framework.routers import DefaultRouter
from rest_framework_jwt import views


@api_view(["GET", "POST"])
def whoami(request):
    return Response({"username": request.user.username})


urlpatterns = [
    path("api-token-auth/", views.obtain_jwt_token),
    path("api-token-refresh/", views.refresh_jwt_token),
    path("api-token-verify/", views.verify_jwt_token),
    path("api-token-impersonate/", views.impersonate_jwt_token),
    path("whoami/", whoami),
]
if apps.is_installed("rest_framework_jwt.blacklist"):
    from rest_framework_jwt.blacklist.views import BlacklistView

    router = DefaultRouter()
    router.register("blacklist", BlacklistView, basename="blacklist")
    urlpatterns += [path("", include(router.urls))]
