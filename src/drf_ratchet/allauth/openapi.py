"""Describe the exchange for drf-spectacular."""

from typing import Any

from rest_framework.authentication import SessionAuthentication

from drf_ratchet.openapi.extensions import Endpoints
from drf_ratchet.openapi.schema import OPERATIONS, Described, RatchetSchema


class ExchangeEndpoint(Endpoints):
    """The view that exchanges allauth's session."""

    target_class = "drf_ratchet.allauth.views.ExchangeView"
    priority = -1

    def view_replacement(self) -> Any:
        """Return the view with our schema, and its row of the table."""
        # Imported late: DRF reads the project's settings while its views are imported.
        from drf_ratchet.allauth.views import ExchangeView

        OPERATIONS[ExchangeView, "post"] = _described
        return super().view_replacement()


def _described(schema: RatchetSchema) -> Described:
    from drf_ratchet.openapi import views as rows

    return Described(
        "Exchange allauth's session",
        "A session that allauth has just signed in for an access token, and a cookie with the "
        "refresh token. It works once, and ends allauth's session. The request needs Django's CSRF "
        "token." + rows.FROM_OUR_PAGES,
        {
            200: rows.browser_granted(schema),
            401: rows.Answer(
                "There is no session that allauth has just signed in, or it was exchanged.",
                [rows.REFUSAL],
                {"No session": rows.NOT_AUTHENTICATED},
            ),
            403: rows.CROSS_SITE,
        },
        request=None,
        parameters=(rows.NO_STORE, rows.SETS_COOKIES),
        authenticators=(SessionAuthentication,),
        optional=False,
    )
