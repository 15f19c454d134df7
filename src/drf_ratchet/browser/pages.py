"""The pages on which people sign in to DRF's browsable API, and out of it.

The views are in ``page_views`` and imported when they are asked for: a project's settings may name
the other classes here, and DRF reads those settings while its own views are half imported.
"""

from collections.abc import Mapping
from typing import IO, TYPE_CHECKING, Any

from django.contrib.auth import get_user_model

from drf_ratchet import parsers
from drf_ratchet.browser.cross_site import HasCSRFToken

if TYPE_CHECKING:
    from drf_ratchet.browser.page_views import LoginPage, LogoutPage

__all__ = ["HasCSRFToken", "LoginFormParser", "LoginPage", "LogoutPage"]


class LoginFormParser(parsers.FormParser):
    """The fields of DRF's form, whose first is ``username`` whatever the serializer calls it."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """The form, with the account under the name that throttles and serializer look for."""
        fields = super().parse(stream, media_type, parser_context).copy()
        view: Any = (parser_context or {}).get("view")
        name = getattr(view, "username_field", get_user_model().USERNAME_FIELD)
        if name not in fields and "username" in fields:
            fields[name] = fields["username"]
        return fields


def __getattr__(name: str) -> Any:
    if name not in ("LoginPage", "LogoutPage"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from drf_ratchet.browser import page_views

    return getattr(page_views, name)
