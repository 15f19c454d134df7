"""Authenticate a service by its name and secret in HTTP Basic (RFC 6749 section 2.3.1)."""

import binascii
import hashlib
import hmac
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

from drf_ratchet.bounds import MAX_BASIC_LENGTH
from drf_ratchet.conf import ratchet_settings
from drf_ratchet.exceptions import Busy
from drf_ratchet.security_log import one_line, security_log
from drf_ratchet.sessions.device import network_of
from drf_ratchet.throttling import RateLimit

REALM = 'Basic realm="services"'


class InvalidClient(exceptions.AuthenticationFailed):
    """401 for a service, alike for unknown, wrong and missing credentials (RFC 6749, 5.2)."""

    default_detail = _("This is for services that authenticate by HTTP Basic.")
    default_code = "invalid_client"


class ServiceAuthentication(BaseAuthentication):
    """Authenticates the services that the setting ``SERVICE_SECRETS`` names.

    ``request.auth`` is the service's name. A service is no user, so ``request.user`` is what DRF's
    ``UNAUTHENTICATED_USER`` makes, as in a request without credentials.
    """

    @sensitive_variables()  # an error report shows no secret
    def authenticate(self, request: Request) -> tuple[Any, str]:
        """Return DRF's unauthenticated user and the name of the service.

        Raises:
            InvalidClient: the credentials are missing, malformed, unknown or wrong.
            Throttled: this network has sent too many wrong secrets, for this service or in total.
                For this service the right secret is refused as well.
            Busy: the secret is wrong, and the cache is down.
        """
        spellings = list(_spellings(get_authorization_header(request)))
        known = ratchet_settings().SERVICE_SECRETS
        named = next((name for name, _ in spellings if name in known), "")
        network = network_of(request)
        # Count by the name that was sent, known or not: the responses must not tell which services
        # exist.
        sent = named or (spellings[0][0] if spellings else "")
        wrong_secrets = RateLimit("service_failures", f"{sent} {network}", request)
        _refuse_if_exhausted(wrong_secrets)
        for name, secret in spellings:
            if _is_right(name, secret):
                make_user: Any = api_settings.UNAUTHENTICATED_USER
                return make_user and make_user(), name
        for counter in (wrong_secrets, RateLimit("service_failures", network, request)):
            wait = counter.take()
            if wait is not None:
                raise exceptions.Throttled(wait)
        # Log known names only. An unknown name may be a secret in the wrong place.
        security_log.warning(
            "Refused %s at %s from %s.",
            f"the service {named} with a wrong secret" if named else "an unknown service",
            one_line(request.path),
            network or "an unknown address",
        )
        raise InvalidClient

    def authenticate_header(self, request: Request) -> str:
        """Return the ``WWW-Authenticate`` header of a 401."""
        return REALM


def _refuse_if_exhausted(counter: RateLimit) -> None:
    """Refuse a client that has guessed too often, before its secret is compared.

    Raises:
        Throttled: the counter is full.
    """
    try:
        wait = counter.seconds_to_wait()
    except Busy:
        return  # while the cache is down the right secret works: 32 characters cannot be guessed
    if wait is not None:
        raise exceptions.Throttled(wait)


def _spellings(header: bytes) -> Iterator[tuple[str, str]]:
    """Yield the name and the secret, decoded as the standard says, then as most clients send them.

    RFC 6749 wants both form-urlencoded first. curl and other clients that know only plain Basic
    (RFC 7617) do not do that.
    """
    scheme, _, encoded = header[: MAX_BASIC_LENGTH + 1].partition(b" ")
    if scheme.lower() != b"basic" or len(header) > MAX_BASIC_LENGTH:
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
    """Return whether this is a service's secret, in the same time for known and unknown names."""
    known = ratchet_settings().SERVICE_SECRETS.get(name)
    # Compare hashes of equal length, so that the time does not reveal the secret's length.
    given, right = (
        hashlib.sha256(text.encode(errors="surrogatepass")).digest()
        for text in (secret, known or "")
    )
    return hmac.compare_digest(given, right) and known is not None
