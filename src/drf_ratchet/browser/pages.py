"""Parse and permit the form to sign in to DRF's browsable API.

The views of its pages are in ``page_views``. A project's settings may name the classes here, and
DRF reads those settings while its own views are still being imported.
"""

from collections.abc import Mapping
from typing import IO, Any

from django.contrib.auth import get_user_model

from drf_ratchet import parsers
from drf_ratchet.browser.cross_site import HasCSRFToken

__all__ = ["HasCSRFToken", "LoginFormParser"]


class LoginFormParser(parsers.FormParser):
    """Parses DRF's form, which names the account ``username`` for every serializer."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return the form, with the account under the name that throttles and serializer expect."""
        fields = super().parse(stream, media_type, parser_context).copy()
        view = (parser_context or {}).get("view")
        name = getattr(view, "username_field", get_user_model().USERNAME_FIELD)
        if name not in fields and "username" in fields:
            fields[name] = fields["username"]
        return fields
