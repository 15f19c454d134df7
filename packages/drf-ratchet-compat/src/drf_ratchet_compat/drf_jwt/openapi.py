"""What drf-spectacular needs to know of drf-jwt's endpoints and authenticators."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import serializers

from drf_ratchet.openapi.extensions import Endpoints, header_scheme, one_scheme
from drf_ratchet_compat.drf_jwt.settings import api_settings


class HeaderScheme(OpenApiAuthenticationExtension):
    """The token in the Authorization header, or in a cookie."""

    target_class = "drf_ratchet_compat.drf_jwt.authentication.JSONWebTokenAuthentication"
    match_subclasses = True
    priority = -1

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies that are looked at, by the name of the scheme."""
        named = {
            "jwtCookieAuth": api_settings.JWT_AUTH_COOKIE,
            "jwtImpersonationCookieAuth": api_settings.JWT_IMPERSONATION_COOKIE,
        }
        return {scheme: str(cookie) for scheme, cookie in named.items() if cookie}

    @property
    def name(self) -> list[str]:  # type: ignore[override]
        """Each of them will do."""
        return ["jwtAuth", *self.cookies]

    def get_security_requirement(self, auto_schema: Any) -> list[dict[str, list[Any]]]:
        """One of them."""
        return [{name: []} for name in self.name]

    def get_security_definition(self, auto_schema: Any) -> list[dict[str, Any]]:
        """A bearer token, and the cookies that the settings name."""
        one_scheme(self.target)
        words = dict.fromkeys(["Bearer", "JWT", api_settings.JWT_AUTH_HEADER_PREFIX])
        return [
            header_scheme(list(words)),
            *({"type": "apiKey", "in": "cookie", "name": name} for name in self.cookies.values()),
        ]


class DrfJwtEndpoints(Endpoints):
    """drf-jwt's views, of both generations."""

    target_class = "drf_ratchet_compat.drf_jwt.views.BaseJSONWebTokenAPIView"
    priority = -1
    described_in = ("drf_ratchet_compat.drf_jwt.described",)

    def view_replacement(self) -> Any:
        """The view of the generation at hand, where the function chooses by ``JWT_GENERATION``."""
        views = getattr(self.target_callback, "generations", None)
        if views is not None:
            self.target = views[api_settings.generation.name]
        return super().view_replacement()


class BlacklistedToken(serializers.Serializer[Any]):
    """A token that was blacklisted; null where it is not stored."""

    token = serializers.CharField(allow_null=True)
