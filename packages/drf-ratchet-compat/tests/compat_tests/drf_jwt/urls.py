"""drf-jwt's endpoints as its documentation has them, and ours beside."""

from django.contrib import admin
from django.urls import include, path
from rest_framework.decorators import api_view
from rest_framework.response import Response
from rest_framework.routers import DefaultRouter

from drf_ratchet_compat.drf_jwt import views
from drf_ratchet_compat.drf_jwt.blacklist.views import BlacklistView


@api_view(["GET", "POST"])
def whoami(request):
    return Response({"username": request.user.username})


router = DefaultRouter()
router.register("blacklist", BlacklistView, basename="blacklist")

urlpatterns = [
    path("api-token-auth/", views.obtain_jwt_token),
    path("api-token-refresh/", views.refresh_jwt_token),
    path("api-token-verify/", views.verify_jwt_token),
    path("api-token-impersonate/", views.impersonate_jwt_token),
    path("older/auth/", views.ObtainJSONWebToken.as_view()),
    path("older/refresh/", views.RefreshJSONWebToken.as_view()),
    path("older/verify/", views.VerifyJSONWebToken.as_view()),
    path("whoami/", whoami),
    path("api/", include("drf_ratchet.urls")),
    path("admin/", admin.site.urls),
    path("", include(router.urls)),
]
