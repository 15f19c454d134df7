"""Our extensions of drf-spectacular. A project's own for the same class come first."""

from importlib import import_module
from typing import Any

from drf_spectacular.drainage import set_override
from drf_spectacular.extensions import OpenApiAuthenticationExtension, OpenApiViewExtension
from drf_spectacular.plumbing import build_bearer_security_scheme_object

from drf_ratchet.conf import ratchet_settings
from drf_ratchet.openapi.schema import with_schema
from ratchet_tokens.claims import Kind

BEARER = "jwtAuth"
COOKIE = "jwtCookieAuth"
REFRESH_COOKIE = "refreshCookie"
SERVICE = "serviceAuth"


class HeaderScheme(OpenApiAuthenticationExtension):
    """The access token in the Authorization header."""

    target_class = "drf_ratchet.authentication.JWTAuthentication"
    match_subclasses = True
    priority = -2
    name = BEARER

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        """Return a bearer token (RFC 6750), or the whole header if another word is accepted."""
        one_scheme(self.target)
        return header_scheme(ratchet_settings().AUTH_HEADER_TYPES)


class CookieScheme(OpenApiAuthenticationExtension):
    """The access token in its cookie."""

    target_class = "drf_ratchet.browser.authentication.CookieJWTAuthentication"
    match_subclasses = True
    priority = -1
    name = COOKIE

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        """Return the cookie of the access token."""
        one_scheme(self.target)
        return cookie_scheme(
            Kind.COOKIE_ACCESS,
            "The access token of a browser. What changes something needs Django's CSRF token too.",
        )


class PageScheme(OpenApiAuthenticationExtension):
    """The browsable API's pages: for people, and no way in for a client."""

    target_class = "drf_ratchet.browser.authentication.BrowsableAPIAuthentication"
    match_subclasses = True
    priority = 0  # before that of the class it derives from
    name: list[str] = []

    def get_security_requirement(self, auto_schema: Any) -> Any:
        """Return no requirement: pages are not described."""
        return []

    def get_security_definition(self, auto_schema: Any) -> list[dict[str, Any]]:
        """Return no definition: pages are not described."""
        return []


class RefreshCookieScheme(OpenApiAuthenticationExtension):
    """The refresh token in its cookie, which the endpoints for browsers look at."""

    target_class = "drf_ratchet.openapi.views.RefreshCookie"
    name = REFRESH_COOKIE

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        """Return the cookie of the refresh token."""
        return cookie_scheme(
            Kind.COOKIE_REFRESH, "The refresh token of a browser, which no script can read."
        )


class ServiceScheme(OpenApiAuthenticationExtension):
    """A service's name and secret."""

    target_class = "drf_ratchet.services.authentication.ServiceAuthentication"
    match_subclasses = True
    priority = -1
    name = SERVICE

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        """Return HTTP Basic (RFC 7617)."""
        return {
            "type": "http",
            "scheme": "basic",
            "description": "The name and the secret of a service.",
        }


class Endpoints(OpenApiViewExtension):
    """All of our views, and what a project derives from them."""

    target_class = "drf_ratchet.views.RatchetView"
    match_subclasses = True
    priority = -2
    #: The modules that hold rows of the table.
    described_in: tuple[str, ...] = ("drf_ratchet.openapi.views",)

    def view_replacement(self) -> Any:
        """Return the view, with our schema behind the project's own."""
        for module in self.described_in:
            import_module(module)
        return with_schema(self.target)


def one_scheme(authenticator: Any) -> None:
    """Say that another class with the same scheme is no mistake: ours have subclasses."""
    kind = authenticator if isinstance(authenticator, type) else type(authenticator)
    set_override(kind, "suppress_collision_warning", True)


def header_scheme(words: Any, header: str = "Authorization") -> dict[str, Any]:
    """Return the security scheme of a header.

    Args:
        words: those accepted before the token.
        header: its name, in HTTP's spelling or Django's.
    """
    bearer = [word for word in words if word.lower() == "bearer"]
    others = [word for word in words if word.lower() != "bearer"]
    if not bearer:
        scheme: dict[str, Any] = build_bearer_security_scheme_object(header, others[0], "JWT")
        return scheme
    # In any case (RFC 9110 section 11.1); drf-spectacular knows one spelling.
    scheme = build_bearer_security_scheme_object(header, "Bearer", "JWT")
    if others:
        named = ", ".join(others)
        scheme["description"] = f"Accepted in place of the word Bearer as well: {named}."
    return scheme


def cookie_scheme(kind: Kind, description: str) -> dict[str, Any]:
    """Return the security scheme of one of our cookies."""
    from drf_ratchet.browser.cookies import cookie_name

    return {
        "type": "apiKey",
        "in": "cookie",
        "name": cookie_name(kind),
        "description": description,
    }
