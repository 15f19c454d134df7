"""Maximum lengths of client input. Nothing longer is parsed, normalized, hashed or logged."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response

#: Maximum bytes of a request body at our endpoints. A name and a password of 4,096 characters each
#: are 96 KB of JSON if each character is escaped as two ``\uXXXX``; a token is up to 16 KB.
MAX_BODY_SIZE = 128 * 1024
#: Maximum characters of an account's name or a password.
MAX_CREDENTIAL_LENGTH = 4096
#: Maximum characters of an email address (RFC 5321 section 4.5.3.1.3, without its angle brackets).
LONGEST_EMAIL = 254
#: Maximum characters of the header ``Idempotency-Key`` (CONTRACT.md).
MAX_IDEMPOTENCY_KEY_LENGTH = 128
#: Maximum characters of the ETags in a header: those of one document, or of the last few.
MAX_ETAGS_LENGTH = 4096
#: Maximum bytes of the Authorization header of a service.
MAX_BASIC_LENGTH = 4096


def max_body_size(view: object) -> int:
    """Return the maximum bytes of a request body at a view.

    Args:
        view: a view, of this package with an attribute ``max_body_size``, or any other.
    """
    size: int = getattr(view, "max_body_size", MAX_BODY_SIZE)
    # None disables Django's own limit, but not this one.
    return min(size, getattr(settings, "DATA_UPLOAD_MAX_MEMORY_SIZE", None) or size)


def declared_size(request: HttpRequest) -> int:
    """Return the bytes that ``Content-Length`` declares; 0 if it is missing or not a number.

    Servers pass on no more than that. DRF treats a body of no declared length as empty.

    Args:
        request: Django's or DRF's.
    """
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return 0


def conditional_response(request: HttpRequest, response: HttpResponse) -> HttpResponseBase:
    """Return the response, or a 304 if the client's ETag matches its ``ETag`` (RFC 9110, 13).

    Args:
        request: Django's. ETags longer than ``MAX_ETAGS_LENGTH`` are not compared: parsing 700 KB
            of them takes half a second.
        response: the complete response, with its ``ETag``.
    """
    sent = (request.META.get(name, "") for name in ("HTTP_IF_NONE_MATCH", "HTTP_IF_MATCH"))
    if any(len(etags) > MAX_ETAGS_LENGTH for etags in sent):
        return response
    answer = get_conditional_response(request, etag=response["ETag"], response=response)
    return response if answer is None else answer
