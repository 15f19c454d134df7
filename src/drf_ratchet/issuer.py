"""The issuer of the tokens, where it is another server: the setting ``VERIFIER``."""

import inspect
import threading
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ImproperlyConfigured

from drf_ratchet.caches import forget_on_change
from drf_ratchet.conf import NAME, RatchetSettings, ratchet_settings
from drf_ratchet.tenants import issuer_for
from ratchet_tokens.claims import Claims
from ratchet_tokens.errors import Reason, TokenRefused
from ratchet_tokens.forks import after_fork

if TYPE_CHECKING:
    # Late below: most servers verify their own tokens, and start sooner without an HTTP client.
    from ratchet_tokens.verifier import Verifier


def issuer_verifier() -> "Verifier | None":
    """This process's verifier; None where the keys are our own (``KEYS``).

    Raises:
        ImproperlyConfigured: ``VERIFIER`` holds what no ``Verifier`` takes.
    """
    settings = ratchet_settings()
    if settings.USER != "claims" or settings.VERIFIER is None:
        return None
    with _making[0]:
        return _made()


def verified_elsewhere(verifier: "Verifier", token: object, request: Any) -> Claims:
    """Return the claims of another server's access token, if it is of the request's tenant.

    One verifier is enough for all tenants: they share the issuer's keys, and ``iss`` tells them
    apart.

    Args:
        verifier: as ``issuer_verifier`` returned it.
        token: what the client sent; anything.
        request: the request that brought it, for a callable ``ISSUER``.

    Raises:
        TokenRefused: with the reason.
        Unavailable: as ``Verifier.verify``.
    """
    claims = verifier.verify(token)
    if callable(ratchet_settings().ISSUER) and claims.get("iss") != issuer_for(request):
        raise TokenRefused(Reason.WRONG_ISSUER)
    return claims


#: lru_cache holds no lock while it makes one, and each has a thread for as long as it lives.
_making = [threading.Lock()]


def _after_fork() -> None:
    # It may be held by a thread that the child does not have.
    _making[0] = threading.Lock()


after_fork(_after_fork)


#: The feed lists the ended sessions of the tenant that it is asked of.
_OF_ONE_TENANT = (
    NAME + "['VERIFIER'][{name!r}] is one tenant's, and the callable " + NAME + "['ISSUER'] names "
    "several. Leave it out and set 'jwks_url'."
)


@lru_cache(maxsize=1)
def _made() -> "Verifier":
    # The values stay out of this function: Django's error page shows its local variables.
    made = make_verifier(ratchet_settings())
    if isinstance(made, str):
        raise ImproperlyConfigured(made)
    return made


def make_verifier(chosen: RatchetSettings) -> "Verifier | str":
    """Return the verifier that ``VERIFIER`` describes, or what is wrong with it.

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
        why = "a name or a secret cannot be sent"
    except ValueError as error:
        why = str(error).rstrip(".")
    return f"{NAME}['VERIFIER'] cannot be used: {why}."


def _forget() -> None:
    with _making[0]:
        if _made.cache_info().currsize:
            _made().close()
            _made.cache_clear()


forget_on_change(_forget, NAME)
