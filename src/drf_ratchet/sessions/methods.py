"""Authentication methods: ``amr`` (RFC 8176) and ``acr`` (OpenID Connect, RFC 9470).

Only a proof writes them: a sign-in or a step-up. A refresh or an impersonation does not.
"""

import re
from collections.abc import Iterable

from drf_ratchet.conf import ratchet_settings
from drf_ratchet.models import Session

_MOST: int = Session._meta.get_field("amr").max_length or 0


def joined(amr: Iterable[str]) -> str:
    """Return authentication methods as the row stores them, each once.

    Args:
        amr: values of RFC 8176, such as "pwd" and "otp", or a project's own.

    Raises:
        ValueError: a method is not a short word, or they are too long together.
    """
    methods = list(dict.fromkeys(amr))
    text = " ".join(methods)
    if len(text) > _MOST or not all(re.fullmatch(r"[!-~]+", method) for method in methods):
        raise ValueError(
            f"amr must be words of ASCII letters, digits and signs, {_MOST} characters together."
        )
    return text


def methods_of(session: Session) -> tuple[str, ...]:
    """Return the authentication methods of a session's last proof.

    Args:
        session: the row.
    """
    return tuple(session.amr.split())


def class_of(amr: Iterable[str]) -> str | None:
    """Return the first ``acr`` of ``ACR_VALUES`` whose methods were all used; None for none.

    Args:
        amr: the methods of a proof.
    """
    used = set(amr)
    for acr, needed in ratchet_settings().ACR_VALUES.items():
        if used.issuperset([needed] if isinstance(needed, str) else needed):
            return acr
    return None
