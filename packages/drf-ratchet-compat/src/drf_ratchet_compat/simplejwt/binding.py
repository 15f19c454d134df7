"""The claim that binds a token to its session, and the ``jti`` of a generation."""

import hmac
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils.crypto import salted_hmac
from rest_framework_simplejwt.settings import api_settings

from drf_ratchet.models import Session
from ratchet_tokens.claims import RefreshClaims

#: One claim of our own name: projects have a ``sid`` of theirs.
CLAIM = "drf_ratchet"
_LARGEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Binding:
    """The session that a token names, and the generation it was made for.

    Args:
        session: the session's id.
        generation: the counter's value for which the refresh token was made.
        subject: the user, as ``subject_of`` names them.
        token_type: the type of the refresh token. A token of another type is a copy of its claims.
        row: the generation under whose ``jti`` simplejwt's tables list the session: the first one.
            Not the ``jti`` itself, which access tokens must not show.
    """

    session: UUID
    generation: int
    subject: str
    token_type: str
    row: int

    @property
    def claims(self) -> RefreshClaims:
        """Return the binding as the rule of the counter takes it."""
        return RefreshClaims(self.subject, self.session, self.generation)


def read(payload: Mapping[str, Any]) -> Binding | None:
    """Return a token's binding; None for a token of plain simplejwt.

    Args:
        payload: verified claims.
    """
    match payload.get(CLAIM):
        case {
            "sid": str(session),
            "gen": int(generation),
            "sub": str(subject),
            "type": str(token_type),
            "row": int(row),
        } if 0 <= generation <= _LARGEST and 0 <= row <= _LARGEST:
            try:
                return Binding(UUID(session), generation, subject, token_type, row)
            except ValueError:
                return None
    return None


def is_refresh(payload: Mapping[str, Any], binding: Binding) -> bool:
    """Return whether a token is the refresh token itself, and no copy of its claims.

    Args:
        payload: verified claims.
        binding: what ``read`` made of them.
    """
    return bool(payload.get(api_settings.TOKEN_TYPE_CLAIM) == binding.token_type)


def write(payload: dict[str, Any], session: Session, subject: str, row: int) -> None:
    """Bind a refresh token to the present generation of a session.

    Args:
        payload: the token's claims, which are changed.
        session: the row.
        subject: the session's user, as ``subject_of`` names them.
        row: the generation under whose ``jti`` simplejwt's tables list the session.
    """
    payload[api_settings.JTI_CLAIM] = jti_of(session.pk, session.generation)
    name(payload, session.pk, session.generation, subject, row)


def name(payload: dict[str, Any], session: UUID, generation: int, subject: str, row: int) -> None:
    """Say in a refresh token's claims whose session it is of, and leave its ``jti``.

    Args:
        payload: the token's claims, which are changed.
        session: the session's id.
        generation: the counter's value.
        subject: the session's user, as ``subject_of`` names them.
        row: the generation under whose ``jti`` simplejwt's tables list the session.
    """
    # A new dict: access tokens made before share the old one.
    payload[CLAIM] = {
        "sid": str(session),
        "gen": generation,
        "sub": subject,
        "type": payload[api_settings.TOKEN_TYPE_CLAIM],
        "row": row,
    }


def jti_of(session: UUID, generation: int) -> str:
    """Return the ``jti`` of a session's generation. Without our key nobody can tell it.

    Args:
        session: the session's id, which is no secret.
        generation: the counter's value.
    """
    return next(_jtis(session, generation))


def is_ours(payload: Mapping[str, Any], binding: Binding) -> bool:
    """Return whether the counter made a refresh token, and not simplejwt of one that it made.

    Args:
        payload: verified claims.
        binding: what ``read`` made of them.
    """
    jti = str(payload.get(api_settings.JTI_CLAIM))
    known = _jtis(binding.session, binding.generation)
    return any(hmac.compare_digest(jti.encode(), one.encode()) for one in known)


def _jtis(session: UUID, generation: int) -> Iterator[str]:
    secrets: Sequence[Any] = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    for secret in secrets:
        made = salted_hmac(CLAIM, f"{session}.{generation}", secret=secret, algorithm="sha256")
        yield made.hexdigest()[:32]
