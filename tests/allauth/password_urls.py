"""The how-to's URLs, and the sign-ins by password that it tells projects not to include."""

from allauth.headless.constants import Client
from allauth.headless.mfa.views import TrustView
from django.urls import include, path

from tests.allauth.urls import urlpatterns as of_howto

urlpatterns = [
    path("api/", include("drf_ratchet.urls")),
    path("api/browser/", include("drf_ratchet.browser.urls")),
    path("api-auth/", include("drf_ratchet.browser.browsable_urls")),
    # allauth has it where MFA_TRUST_ENABLED is set as Django starts.
    path("_allauth/browser/v1/auth/2fa/trust", TrustView.as_api_view(client=Client.BROWSER)),
    *of_howto,
]
