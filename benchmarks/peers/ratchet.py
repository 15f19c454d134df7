"""drf-ratchet: the README's "Three lines", and every default."""

from django.core.wsgi import get_wsgi_application
from django.urls import include, path

from peers.project import configure

configure(
    __name__,
    apps=["rest_framework", "drf_ratchet"],
    REST_FRAMEWORK={
        "DEFAULT_AUTHENTICATION_CLASSES": ["drf_ratchet.authentication.JWTAuthentication"]
    },
)

urlpatterns = [path("api/", include("drf_ratchet.urls"))]
application = get_wsgi_application()
