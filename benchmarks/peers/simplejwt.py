"""djangorestframework-simplejwt: rotation and blacklist on, as its page "Settings" has them.

With BLACKLIST_AFTER_ROTATION its documentation asks for the blacklist app.
"""

from django.core.wsgi import get_wsgi_application
from django.urls import path

from peers.project import configure

configure(
    __name__,
    apps=["rest_framework", "rest_framework_simplejwt.token_blacklist"],
    REST_FRAMEWORK={
        "DEFAULT_AUTHENTICATION_CLASSES": [
            "rest_framework_simplejwt.authentication.JWTAuthentication"
        ]
    },
    SIMPLE_JWT={"ROTATE_REFRESH_TOKENS": True, "BLACKLIST_AFTER_ROTATION": True},
)

from rest_framework_simplejwt.views import (  # noqa: E402
    TokenObtainPairView,
    TokenRefreshView,
)

urlpatterns = [
    path("api/token/", TokenObtainPairView.as_view()),
    path("api/token/refresh/", TokenRefreshView.as_view()),
]
application = get_wsgi_application()
