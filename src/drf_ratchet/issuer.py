"""Verify tokens that another server issued: the setting ``VERIFIER``."""

import inspect
import threading
from functools import lru_cache
from typing import TYPE_CHECKING

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest

from drf_ratchet.caches import forget_on_change
from drf_ratchet.conf import NAME, RatchetSettings, ratchet_settings
from drf_ratchet.tenants import issuer_for
from ratchet_tokens.claims import Claims
from ratchet_tokens.errors import Reason, TokenRefused
from ratchet_tokens.forks import after_fork

if TYPE_CHECKING:
    # Imported late below: most servers verify their own tokens, and start faster without an HTTP
    # client.
    from ratchet_tokens.verifier import Verifier


def issuer_verifier() -> "Verifier | None":
    """Return this process's verifier; None if this server has the keys itself (``KEYS``).

    Raises:
        ImproperlyConfigured: ``VERIFIER`` has arguments that ``Verifier`` does not accept.
    """
    settings = ratchet_settings()
    if settings.USER != "claims" or settings.VERIFIER is None:
        return None
    with _making[0]:
        return _made()


def verified_elsewhere(verifier: "Verifier", token: object, request: HttpRequest) -> Claims:
    """Return the claims of another server's access token, if it belongs to the request's tenant.

    One verifier serves all tenants: they share the issuer's keys, and ``iss`` tells them apart.

    Args:
        verifier: the result of ``issuer_verifier``.
        token: the value that the client sent, of any type.
        request: the request that contains it, for a callable ``ISSUER``.

    Raises:
        TokenRefused: the token is not valid, or belongs to another tenant.
        Unavailable: as ``Verifier.verify``.
    """
    claims = verifier.verify(token)
    if callable(ratchet_settings().ISSUER) and claims.get("iss") != issuer_for(request):
        raise TokenRefused(Reason.WRONG_ISSUER)
    return claims


#: lru_cache holds no lock while it makes a value, and each verifier has a thread of its own.
_making = [threading.Lock()]


def _after_fork() -> None:
    # A thread that the child does not have may hold the lock.
    _making[0] = threading.Lock()


after_fork(_after_fork)


#: A feed lists the ended sessions of the one tenant whose URL it is read from.
_OF_ONE_TENANT = (
    NAME + "['VERIFIER'][{name!r}] belongs to one tenant, but the callable " + NAME + "['ISSUER'] "
    "names several. Leave it out and set 'jwks_url'."
)


@lru_cache(maxsize=1)
def _made() -> "Verifier":
    # Keep values out of this function's local variables: Django's error page shows them.
    made = make_verifier(ratchet_settings())
    if isinstance(made, str):
        raise ImproperlyConfigured(made)
    return made


def make_verifier(chosen: RatchetSettings) -> "Verifier | str":
    """Return the verifier that ``VERIFIER`` describes, or the text of what is wrong with it.

    Args:
        chosen: the settings.
    """
    from ratchet_tokens.verifier import Verifier

    given = {
        "audience": chosen.audiences,
        "leeway": chosen.LEEWAY.total_seconds(),
        **(chosen.VERIFIER or {}),
    }
    if callable(chosen.ISSUER):
        for name in ("issuer", "feed_url"):
            if name in given:
                return _OF_ONE_TENANT.format(name=name)
        issuer = None
    else:
        issuer = given.pop("issuer", chosen.ISSUER)
    try:
        return Verifier(issuer, **given)
    except (TypeError, AttributeError):
        strange = sorted(given.keys() - inspect.signature(Verifier).parameters.keys())
        named = [repr(name) for name in strange if len(name) <= 40 and name.isidentifier()]
        why = f"Verifier takes no {', '.join(named)}" if named else "an argument is mistyped"
    except UnicodeError:
        why = "a name or a secret has characters that HTTP cannot send"
    except ValueError as error:
        why = str(error).rstrip(".")
    return f"{NAME}['VERIFIER'] cannot be used: {why}."


def _forget() -> None:
    with _making[0]:
        if _made.cache_info().currsize:
            _made().close()
            _made.cache_clear()


forget_on_change(_forget, NAME)
