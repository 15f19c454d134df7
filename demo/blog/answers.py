"""The responses of the blog's views, for the OpenAPI schema."""

from typing import Any

from drf_spectacular.utils import OpenApiResponse

from blog.serializers import ErrorSerializer, NotSignedInSerializer, PostSerializer

NOT_SIGNED_IN = OpenApiResponse(NotSignedInSerializer, "No user is signed in.")
NOT_YOURS = OpenApiResponse(ErrorSerializer, "The user is neither the author nor staff.")
NOT_THERE = OpenApiResponse(ErrorSerializer, "The post or the page does not exist.")
BAD_POST = OpenApiResponse(
    {
        "anyOf": [
            {
                "type": "object",
                "additionalProperties": {"type": "array", "items": {"type": "string"}},
            },
            {
                "type": "object",
                "properties": {"detail": {"type": "string"}},
                "required": ["detail"],
            },
        ]
    },
    "A field is invalid, or the body cannot be parsed.",
)

READ: dict[int, Any] = {
    200: PostSerializer,
    401: NOT_SIGNED_IN,
    403: NOT_YOURS,
    404: NOT_THERE,
}
CHANGED: dict[int, Any] = {**READ, 400: BAD_POST}
DELETED: dict[int, Any] = {
    204: OpenApiResponse(description="Deleted."),
    401: NOT_SIGNED_IN,
    403: NOT_YOURS,
    404: NOT_THERE,
}
