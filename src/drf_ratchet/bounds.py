"""How long what a client sends may be. Nothing longer is parsed, normalized, hashed or logged."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response

#: Bytes of the body of a request to our endpoints. A name and a password of 4,096 characters each
#: are 96 KB of JSON when each character is escaped as two ``\uXXXX``; a token is up to 16 KB.
MAX_BODY_SIZE = 128 * 1024
#: Characters of an account's name or a password.
MAX_CREDENTIAL_LENGTH = 4096
#: Characters of an email address (RFC 5321 section 4.5.3.1.3, without its angle brackets).
LONGEST_EMAIL = 254
#: Characters of the header ``Idempotency-Key`` (CONTRACT.md).
MAX_IDEMPOTENCY_KEY_LENGTH = 128
#: Characters of the ETags in a header: those of one document, or of the last few.
MAX_ETAGS_LENGTH = 4096
#: Bytes of the header that a service authenticates by.
MAX_BASIC_LENGTH = 4096


def max_body_size(view: Any) -> int:
    """Return how many bytes the body of a request to a view may have.

    Args:
        view: ours, with an attribute ``max_body_size``, or any other.
    """
    size: int = getattr(view, "max_body_size", MAX_BODY_SIZE)
    # None switches Django's own bound off, and not this one.
    return min(size, getattr(settings, "DATA_UPLOAD_MAX_MEMORY_SIZE", None) or size)


def declared_size(request: Any) -> int:
    """Return how many bytes a request says that its body has; 0 where it does not say it.

    Servers pass on no more than that, and DRF takes a body of no declared length for an empty one.

    Args:
        request: Django's or DRF's.
    """
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return 0


def conditional_response(request: HttpRequest, response: HttpResponse) -> HttpResponseBase:
    """Return a response, or a 304 to a client that has it, by its ``ETag`` (RFC 9110 section 13).

    Args:
        request: Django's. ETags that are longer than ``MAX_ETAGS_LENGTH`` are not compared: it
            takes half a second to parse 700 KB of them.
        response: the whole, with its ``ETag``.
    """
    sent = (request.META.get(name, "") for name in ("HTTP_IF_NONE_MATCH", "HTTP_IF_MATCH"))
    if any(len(etags) > MAX_ETAGS_LENGTH for etags in sent):
        return response
    answer = get_conditional_response(request, etag=response["ETag"], response=response)
    return response if answer is None else answer
