"""Who asks: a service, by its name and secret in HTTP Basic (RFC 6749 section 2.3.1)."""

import binascii
import hashlib
import hmac
import logging
from base64 import b64decode
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote_plus

from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.request import Request
from rest_framework.settings import api_settings

from drf_ratchet.conf import ratchet_settings
from drf_ratchet.throttling import Counter, network_of

security_log = logging.getLogger("drf_ratchet.security")

REALM = 'Basic realm="services"'


class InvalidClient(exceptions.AuthenticationFailed):
    """401 for a service (RFC 6749 section 5.2): unknown, wrong and missing look the same."""

    default_detail = _("This is for services that authenticate by HTTP Basic.")
    default_code = "invalid_client"


class ServiceAuthentication(BaseAuthentication):
    """Lets the services of the setting ``SERVICE_SECRETS`` in and nobody else.

    ``request.auth`` is the service's name. A service is no user: ``request.user`` is what DRF's
    ``UNAUTHENTICATED_USER`` makes, as on a request without credentials.
    """

    @sensitive_variables()  # an error report shows no secret
    def authenticate(self, request: Request) -> tuple[Any, str]:
        """Nobody, and the name of the service.

        Raises:
            InvalidClient: the credentials are missing, malformed, unknown or wrong.
            Throttled: the same, too often from one network. What is right is never counted.
        """
        named = ""
        for name, secret in _spellings(get_authorization_header(request)):
            if _is_right(name, secret):
                nobody: Any = api_settings.UNAUTHENTICATED_USER
                return nobody and nobody(), name
            named = named or (name if name in ratchet_settings().SERVICE_SECRETS else "")
        network = network_of(request)
        wait = Counter("service_failures", network).take() if network else None
        if wait is not None:
            raise exceptions.Throttled(wait)
        # No other name than a known one: what stands in its place may be a secret.
        security_log.warning(
            "Refused %s at %s from %s.",
            f"the service {named}, whose secret is wrong" if named else "an unknown service",
            request.path,
            network or "an unknown address",
        )
        raise InvalidClient

    def authenticate_header(self, request: Request) -> str:
        """The ``WWW-Authenticate`` of a 401."""
        return REALM


def _spellings(header: bytes) -> Iterator[tuple[str, str]]:
    """The name and the secret, as the standard has them and as most clients send them.

    RFC 6749 wants both form-urlencoded first, which curl and others that know plain Basic
    (RFC 7617) do not do.
    """
    scheme, _, encoded = header.partition(b" ")
    if scheme.lower() != b"basic":
        return
    try:
        name, colon, secret = b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return
    if not colon:
        return
    yield unquote_plus(name), unquote_plus(secret)
    yield name, secret


def _is_right(name: str, secret: str) -> bool:
    """Whether this is a service's secret; as long whether the name is known or not."""
    known = ratchet_settings().SERVICE_SECRETS.get(name)
    # Of one length each, so that the comparison does not tell how long the secret is.
    given, right = (
        hashlib.sha256(text.encode(errors="surrogatepass")).digest()
        for text in (secret, known or "")
    )
    return hmac.compare_digest(given, right) and known is not None
