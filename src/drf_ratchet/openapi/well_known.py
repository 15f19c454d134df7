"""The published key set. It is no view of DRF's, and drf-spectacular sees none but those."""

from typing import Any

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from drf_ratchet.openapi.bodies import response_header
from drf_ratchet.well_known import jwks

KEY_SET = {
    "type": "object",
    "properties": {
        "keys": {"type": "array", "items": {"type": "object", "additionalProperties": True}}
    },
    "required": ["keys"],
}


class KeySet(APIView):
    """Stands for the view in a description; nothing calls it."""

    authentication_classes = ()
    permission_classes = ()

    @extend_schema(
        operation_id="jwks",
        summary="The public keys",
        description="The keys that access tokens are verified with (RFC 7517); none where they "
        "are signed with a shared secret.",
        parameters=[
            response_header("Cache-Control", "How long a copy may be kept.", on=[200]),
            response_header("ETag", "Of this set.", on=[200]),
        ],
        responses={(200, "application/jwk-set+json"): OpenApiResponse(KEY_SET, "The key set.")},
    )
    def get(self, request: Request) -> Response:
        """Return the key set."""
        raise NotImplementedError


def show() -> None:
    """Let drf-spectacular see the view: what DRF's ``as_view()`` leaves on one, it looks for."""
    seen: Any = jwks
    seen.cls, seen.initkwargs = KeySet, {}
