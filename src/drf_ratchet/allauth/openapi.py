"""Describe the endpoints beside allauth's for drf-spectacular."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter
from rest_framework.authentication import SessionAuthentication

from drf_ratchet.openapi.extensions import Endpoints
from drf_ratchet.openapi.schema import OPERATIONS, Answer, Described, RatchetSchema


class ExchangeEndpoint(Endpoints):
    """The view that exchanges allauth's session."""

    target_class = "drf_ratchet.allauth.views.ExchangeView"
    priority = -1

    def view_replacement(self) -> Any:
        """Return the view with our schema, and its row of the table."""
        # Imported late: DRF reads the project's settings while its views are imported.
        from drf_ratchet.allauth.views import ExchangeView

        OPERATIONS[ExchangeView, "post"] = _exchange
        return super().view_replacement()


class StepUpEndpoint(Endpoints):
    """The view that steps up by allauth's reauthentication."""

    target_class = "drf_ratchet.allauth.views.AllauthStepUpView"
    priority = -1

    def view_replacement(self) -> Any:
        """Return the view with our schema, and its row of the table."""
        from drf_ratchet.allauth.views import AllauthStepUpView

        OPERATIONS[AllauthStepUpView, "post"] = _step_up
        return super().view_replacement()


def _step_up(schema: RatchetSchema) -> Described:
    from drf_ratchet.openapi import bodies
    from drf_ratchet.openapi import views as rows

    return Described(
        "Step up by allauth",
        "A refresh token for a pair with a new `auth_time`, after a reauthentication at one of "
        "allauth's endpoints with the same `X-Session-Token`. Each proof counts once.",
        {
            200: bodies.granted(schema, "Stepped up.", bodies.TOKEN_PAIR, "Stepped up", rows.PAIR),
            400: bodies.bad_fields("refresh"),
            401: Answer(
                "A token is refused, or nothing was proved just now.",
                [bodies.REFUSAL, bodies.TOKEN_REFUSED],
                {"No access token": bodies.NOT_AUTHENTICATED},
            ),
        },
        parameters=(
            *rows.OURS,
            OpenApiParameter(
                "X-Session-Token", str, OpenApiParameter.HEADER, True, "allauth's session token."
            ),
            bodies.IDEMPOTENCY_KEY,
        ),
    )


def _exchange(schema: RatchetSchema) -> Described:
    from drf_ratchet.openapi import bodies
    from drf_ratchet.openapi import views as rows

    return Described(
        "Exchange allauth's session",
        "A session that allauth has just signed in for an access token, and a cookie with the "
        "refresh token. It works once, and ends allauth's session. The request needs Django's CSRF "
        "token." + rows.FROM_OUR_PAGES,
        {
            200: rows.browser_granted(schema),
            401: Answer(
                "There is no session that allauth has just signed in, or it was exchanged.",
                [bodies.REFUSAL],
                {"No session": bodies.NOT_AUTHENTICATED},
            ),
            403: rows.CROSS_SITE,
        },
        request=None,
        parameters=(bodies.NO_STORE, rows.SETS_COOKIES),
        authenticators=(SessionAuthentication,),
        optional=False,
    )
