"""Parse the form that DRF's browsable API signs in with, and permit it with a CSRF token.

The views of its pages are in ``page_views``. A project's settings may name the classes here, and
DRF reads those settings while its own views are half imported.
"""

from collections.abc import Mapping
from typing import IO, Any

from django.contrib.auth import get_user_model

from drf_ratchet import parsers
from drf_ratchet.browser.cross_site import HasCSRFToken

__all__ = ["HasCSRFToken", "LoginFormParser"]


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
