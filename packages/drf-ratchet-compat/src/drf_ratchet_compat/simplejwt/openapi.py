"""What drf-spectacular needs to know of simplejwt's endpoints and authenticators."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension

from drf_ratchet.openapi.extensions import Endpoints, header_scheme, one_scheme
from drf_ratchet_compat.simplejwt.settings import api_settings
from drf_ratchet_compat.simplejwt.underneath import header_types


class HeaderScheme(OpenApiAuthenticationExtension):
    """The access token in its header."""

    target_class = "drf_ratchet_compat.simplejwt.authentication.JWTAuthentication"
    match_subclasses = True
    priority = -1
    name = "jwtAuth"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        """A bearer token, or the header as a whole."""
        one_scheme(self.target)
        return header_scheme(header_types(), api_settings.AUTH_HEADER_NAME)


class SimpleJWTEndpoints(Endpoints):
    """simplejwt's views."""

    target_class = "drf_ratchet_compat.simplejwt.views.TokenViewBase"
    priority = -1
    described_in = ("drf_ratchet_compat.simplejwt.described",)
