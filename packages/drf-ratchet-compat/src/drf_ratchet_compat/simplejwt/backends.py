"""``TokenBackend``: strings to payloads and back."""

import json
from datetime import timedelta
from typing import Any

from django.utils.translation import gettext_lazy as _
from joserfc import jws

from drf_ratchet_compat.old_tokens import old_key, read_old_token, unverified_claims
from drf_ratchet_compat.simplejwt import wire
from drf_ratchet_compat.simplejwt.exceptions import TokenBackendError, TokenBackendExpiredToken
from drf_ratchet_compat.simplejwt.settings import api_settings
from drf_ratchet_compat.simplejwt.underneath import as_timedelta
from drf_ratchet_compat.simplejwt.wire import Payload
from ratchet_tokens.algorithms import ALGORITHMS
from ratchet_tokens.errors import Reason, TokenRefused

ALLOWED_ALGORITHMS = frozenset(ALGORITHMS)
_MESSAGES: dict[Reason, Any] = {
    Reason.EXPIRED: _("Token is expired"),
    Reason.WRONG_TYPE: _("Token has wrong type"),
}


class TokenBackend:
    """Plain JWTs with a key of one's own. The tokens of this project are ``state.token_backend``'s.

    Args:
        algorithm: RFC 7518's name of it.
        signing_key: a secret, or a private key in PEM; None to look into tokens unverified.
        verifying_key: a public key in PEM, for algorithms that have one.
        audience: the ``aud`` to write and demand, or None.
        issuer: the ``iss`` to write and demand, or None.
        jwk_url: not supported.
        leeway: seconds, or a timedelta, that ``exp`` and ``nbf`` may be off.
        json_encoder: a ``json.JSONEncoder``.

    Raises:
        TokenBackendError: the algorithm is none of ours, or ``jwk_url`` is set.
    """

    def __init__(
        self,
        algorithm: str,
        signing_key: str | None = None,
        verifying_key: str = "",
        audience: Any = None,
        issuer: str | None = None,
        jwk_url: str | None = None,
        leeway: Any = None,
        json_encoder: Any = None,
    ) -> None:
        if algorithm not in ALLOWED_ALGORITHMS:
            raise TokenBackendError(_("Unrecognized algorithm type '%s'") % algorithm)
        if jwk_url:
            raise TokenBackendError("jwk_url is not supported: see docs/services.md.")
        self.algorithm = algorithm
        self.signing_key = signing_key
        self.verifying_key = verifying_key
        self.audience = audience
        self.issuer = issuer
        self.leeway = leeway
        self.json_encoder = json_encoder

    def get_leeway(self) -> timedelta:
        """The leeway."""
        return as_timedelta(self.leeway)

    def encode(self, payload: dict[str, Any]) -> str:
        """A JWT.

        Args:
            payload: its claims.

        Raises:
            TokenBackendError: there is no key to sign with, or the claims are not JSON.
        """
        named = {"aud": self.audience, "iss": self.issuer}
        claims = {**payload, **{name: value for name, value in named.items() if value is not None}}
        try:
            body = json.dumps(claims, cls=self.json_encoder, separators=(",", ":"))
            key = old_key(self.signing_key or "", self.algorithm).key
            header = {"typ": "JWT", "alg": self.algorithm}
            return jws.serialize_compact(header, body, key, algorithms=[self.algorithm])
        except (TypeError, ValueError) as error:
            raise TokenBackendError(f"No token can be made: {error}") from None

    def decode(self, token: Any, verify: bool = True) -> dict[str, Any]:
        """What a JWT says.

        Args:
            token: text or bytes.
            verify: False to believe it, whoever made it.

        Raises:
            TokenBackendError: it is no good.
        """
        text = token.decode("ascii", "replace") if isinstance(token, bytes) else token
        try:
            if not verify:
                return unverified_claims(text)
            key = old_key(self.verifying_key or self.signing_key or "", self.algorithm)
            names = [self.audience] if isinstance(self.audience, str) else self.audience or ()
            return read_old_token(
                text,
                [key],
                issuer=self.issuer,
                audience=list(names),
                leeway=self.get_leeway().total_seconds(),
            )
        except TokenRefused as refused:
            raise backend_error(refused) from None
        except ValueError as error:
            raise TokenBackendError(str(error)) from None


class OurBackend:
    """This project's tokens, those that simplejwt made before included."""

    def get_leeway(self) -> timedelta:
        """``LEEWAY``."""
        return as_timedelta(api_settings.LEEWAY)

    def encode(self, payload: dict[str, Any]) -> str:
        """A token of the project's own kind. Those with a session are made by their classes.

        Raises:
            TokenBackendError: its type is one that has a session, or the claims are not JSON.
        """
        if payload.get(api_settings.TOKEN_TYPE_CLAIM) in wire.WITH_SESSIONS:
            raise TokenBackendError(
                "A token of this type has a session: make it with RefreshToken.for_user(user)."
            )
        try:
            return wire.encode(wire.as_json(payload), None)
        except (TypeError, ValueError) as error:
            raise TokenBackendError(f"No token can be made: {error}") from None

    def decode(self, token: Any, verify: bool = True) -> Payload:
        """What a token says; whether its session is alive is not looked at.

        Args:
            token: text or bytes.
            verify: False to believe it, whoever made it.

        Raises:
            TokenBackendError: it is no good.
        """
        try:
            return wire.decode(token, verify=verify)
        except TokenRefused as refused:
            raise backend_error(refused) from None


def backend_error(refused: TokenRefused) -> TokenBackendError:
    """A refusal of ours as simplejwt's error."""
    expired = refused.reason is Reason.EXPIRED
    kind = TokenBackendExpiredToken if expired else TokenBackendError
    return kind(_MESSAGES.get(refused.reason, _("Token is invalid")))
