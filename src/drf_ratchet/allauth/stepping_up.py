"""Step up by what allauth's reauthentication has just proved."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib.sessions.backends.base import SessionBase

from drf_ratchet.allauth._internals import (
    authentication_records,
    has_second_factor,
    reauthentication_timeout,
)
from drf_ratchet.allauth.methods import values_of
from drf_ratchet.allauth.second_factor import allauth_setting
from ratchet_tokens.claims import RefreshClaims

#: Under this key a Django session contains the last proof that was used, and the generation of the
#: refresh token that it was used with.
_USED = "drf_ratchet_used_proof"


def take_proof(django_session: SessionBase, user: Any, token: RefreshClaims) -> list[str]:
    """Return the methods of the reauthentications that were not used yet, and use them.

    The same refresh token may use them again: its response may have been lost.

    Args:
        django_session: the one that is linked to the token's session.
        user: its user.
        token: the verified refresh token.

    Returns:
        Values of RFC 8176. Empty if nothing was proved recently. Also if the user has a second
        factor and has not used it, unless ``PASSWORD_ALONE`` is set.
    """
    used_at, generation = django_session.get(_USED, (0, 0))
    earliest = time.time() - reauthentication_timeout()
    proofs = [
        one
        for one in authentication_records(django_session, user)
        if one.get("reauthenticated") and one["at"] >= earliest
    ]
    if generation != token.generation:
        proofs = [one for one in proofs if one["at"] > used_at]
    if not proofs or not (
        _used_second_factor(proofs)
        or allauth_setting("PASSWORD_ALONE")
        or not has_second_factor(user)
    ):
        return []
    django_session[_USED] = (proofs[-1]["at"], token.generation)
    django_session.save()
    return values_of(proofs, user)


def _used_second_factor(proofs: Sequence[Mapping[str, Any]]) -> bool:
    return any(one["method"] == "mfa" for one in proofs)
