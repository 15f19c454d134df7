"""Sending one request about the session, with the standard library."""

import ssl
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import Message
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError

#: Answers about a session are small. A larger one is something else's.
_LONGEST = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Call:
    """A POST to one of the session's endpoints. Redirects must not be followed.

    Args:
        url: where to.
        headers: all of them.
        body: JSON.
        timeout: seconds until it counts as unanswered.
    """

    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    timeout: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    Args:
        status: the HTTP status.
        headers: by their names in lower case.
        body: as it came.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class StandardSender:
    """Send with urllib, through the proxies that the environment names.

    Args:
        context: for TLS: a certificate authority of your own, or a client's certificate.
    """

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPSHandler(context=context), _NoRedirects()
        )

    def __call__(self, call: Call) -> Answer:
        """Return the answer, whatever its status.

        Raises:
            OSError: there is none.
        """
        request = urllib.request.Request(  # noqa: S310 - origins.api_url allows http and https
            call.url, call.body, dict(call.headers), method="POST"
        )
        try:
            answer = self._opener.open(request, timeout=call.timeout)
        except HTTPError as refusal:
            answer = refusal
        except HTTPException as broken:
            raise OSError(type(broken).__name__) from None
        with answer:
            return Answer(answer.status, _lowered(answer.headers), _read(answer))


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A password and a refresh token go where they were sent to, and nowhere else."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


def _lowered(headers: Message) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in headers.items():
        found[name.lower()] = f"{found[name.lower()]}, {value}" if name.lower() in found else value
    return found


def _read(answer: Any) -> bytes:
    try:
        body: bytes = answer.read(_LONGEST)
    except HTTPException as broken:
        raise OSError(type(broken).__name__) from None
    if answer.length:
        raise OSError("The answer broke off.")
    return body
