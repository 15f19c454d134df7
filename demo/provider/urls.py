"""URLs of the provider: the protocol's, and a login form."""

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path
from oauth2_provider import urls as toolkit

# Without the toolkit's pages that register clients: each user could open them.
protocol = [*toolkit.metadata_urlpatterns, *toolkit.base_urlpatterns, *toolkit.oidc_urlpatterns]

urlpatterns = [
    path("", include((protocol, toolkit.app_name))),
    path("login/", LoginView.as_view(), name="login"),
    path("another-account/", LogoutView.as_view(), name="another_account"),
]
