"""Rate limits that hold under concurrency.

DRF's own throttles read a list from the cache and write it back, so parallel attempts overwrite
each other's and slip through. These count by the cache's atomic ``incr``: every attempt gets a
number of its own, and no more numbers than the rate allows are let through in any span of its
length.

A scope's rate is looked up in DRF's ``DEFAULT_THROTTLE_RATES``, then in ``RATES`` below; None there
switches it off.
"""

import hashlib
import logging
import time
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.core.cache import caches
from django.core.exceptions import ImproperlyConfigured
from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.throttling import BaseThrottle

from drf_ratchet.conf import ratchet_settings
from drf_ratchet.exceptions import Busy, in_contract_shape
from drf_ratchet.sessions.device import client_address

if TYPE_CHECKING:
    # Not at run time: settings may name the classes here, and DRF's views read those settings.
    from rest_framework.views import APIView

security_log = logging.getLogger("drf_ratchet.security")

#: The rate of each scope, where ``DEFAULT_THROTTLE_RATES`` names none.
RATES: dict[str, str | None] = {
    # Failed sign-ins for one account from one network: what a person needs who has forgotten the
    # password. A stranger elsewhere uses up his own and not the owner's.
    "sign_in": "20/hour",
    # Failed sign-ins from one network, whatever the account: password spraying.
    "sign_in_address": "100/hour",
    # Failed sign-ins for one account from anywhere: a botnet. So high that it takes many
    # networks to reach it.
    "sign_in_account": "300/hour",
    # Refreshes of one session.
    "refresh": "120/min",
    # Refused refresh tokens from one network. Those that are good do not count: offices share one.
    "refresh_failures": "60/min",
    # Services refused for their secret, by network.
    "service_failures": "30/min",
}

#: A span is counted in this many parts. The part that is ending counts in full, so that the rate
#: holds for every span of its length and not only for those that begin on the clock.
_PARTS = 6


@dataclass(slots=True)
class Counter:
    """How often something happened within a span of time.

    Args:
        scope: what is counted; names the rate.
        ident: of whom, hashed before it becomes part of a key.
    """

    scope: str
    ident: str
    _taken_in: int | None = field(default=None, init=False, repr=False)
    _name: str = field(default="", init=False, repr=False)

    def take(self) -> float | None:
        """Count one attempt if the rate allows it; else return the seconds to wait.

        Raises:
            Busy: the cache is down, and sign-in is not to go on without it.
            ImproperlyConfigured: the rate cannot be read.
        """
        rate = self._rate()
        return None if rate is None else self._guarded(lambda: self._take(*rate))

    def give_back(self) -> None:
        """Undo the last ``take``: it turned out not to count."""
        rate, part = self._rate(), self._taken_in
        if rate is not None and part is not None:
            self._guarded(lambda: self._add(part, -1, rate[1]) and None)
            self._taken_in = None

    def _rate(self) -> tuple[int, float] | None:
        rates: Any = api_settings.DEFAULT_THROTTLE_RATES or {}
        rate = rates.get(self.scope, RATES.get(self.scope))
        # DRF's own notation: "10/min", "300/hour".
        return None if rate is None else parse_rate(rate)

    def _take(self, limit: int, span: float) -> float | None:
        part = int(time.time() * _PARTS / span)
        mine = self._add(part, 1, span)
        earlier = caches[ratchet_settings().THROTTLE_CACHE].get_many(
            [self._key(part - back) for back in range(1, _PARTS + 1)]
        )
        counts = {int(key.rpartition(":")[2]): count for key, count in earlier.items()}
        if sum(counts.values()) + mine <= limit:
            self._taken_in = part
            return None
        self._add(part, -1, span)
        return self._wait({**counts, part: mine - 1}, limit, span)

    def _add(self, part: int, number: int, span: float) -> int:
        """The count of this part of the span, after adding to it in one atomic step."""
        cache, key = caches[ratchet_settings().THROTTLE_CACHE], self._key(part)
        # The first of a part makes its count: of many at once, one. What is taken back from a
        # count that is gone is gone already. Kept for longer than it counts, so that it never goes
        # between the two calls.
        first = max(number, 0)
        if cache.add(key, first, timeout=int(span * 2) + 60):
            return first
        return int(cache.incr(key, number))

    def _key(self, part: int) -> str:
        if not self._name:
            digest = hashlib.sha256(self.ident.encode(errors="surrogatepass")).hexdigest()
            self._name = f"ratchet:{self.scope}:{digest[:32]}"
        return f"{self._name}:{part}"

    def _wait(self, counts: dict[int, int], limit: int, span: float) -> float:
        """Until enough of what was counted is too long ago to count."""
        length, total = span / _PARTS, sum(counts.values())
        for part in sorted(counts):
            total -= counts[part]
            if total < limit:
                return (part + 1 + _PARTS) * length - time.time()
        return span  # a limit of zero

    def _guarded(self, count: Callable[[], float | None]) -> float | None:
        try:
            return count()
        except Exception as error:
            # Whatever the cache's driver raises. Its text may hold the cache's address.
            goes_on = ratchet_settings().THROTTLE_FAILS_OPEN
            security_log.critical(
                "The cache cannot count (%s): %s goes on %s.",
                type(error).__name__,
                self.scope,
                "UNLIMITED" if goes_on else "for nobody",
            )
            if goes_on:
                return None
            raise in_contract_shape(Busy()) from None


class CountingThrottle(BaseThrottle):
    """A DRF throttle over several counters: all of them allow an attempt, or none counts it.

    Subclasses say in ``counters`` what is counted.
    """

    def __init__(self) -> None:
        self._taken: list[Counter] = []
        self._wait: float | None = None

    def counters(self, request: Request, view: "APIView") -> list[Counter]:
        """What an attempt counts for; the one to be exhausted first comes first."""
        raise NotImplementedError

    def allow_request(self, request: Request, view: "APIView") -> bool:
        """Whether every counter lets it through."""
        for counter in self.counters(request, view):
            self._wait = counter.take()
            if self._wait is not None:
                # An attempt that is refused here must not use up what others are allowed.
                self.give_back()
                return False
            self._taken.append(counter)
        return True

    def wait(self) -> float | None:
        """Seconds, for Retry-After."""
        return self._wait

    def give_back(self) -> None:
        """Let the attempt count for nothing: it succeeded, or never took place."""
        for counter in self._taken:
            counter.give_back()
        self._taken = []


class SignInThrottle(CountingThrottle):
    """Failed sign-ins: per network, per account and network, and per account."""

    def counters(self, request: Request, view: "APIView") -> list[Counter]:
        """The network comes first: one that is exhausted leaves no trace of the names it tries."""
        if request.method != "POST":
            return []
        account, network = fold(self.get_account(request, view)), network_of(request)
        counted = [Counter("sign_in_address", network)] if network else []
        if account:
            counted += [
                Counter("sign_in", f"{account} {network}"),
                Counter("sign_in_account", account),
            ]
        return counted

    def get_account(self, request: Request, view: "APIView") -> str:
        """The name of the account that an attempt is for; "" counts for no account.

        A login whose field is not the user model's ``USERNAME_FIELD`` overrides this.
        """
        if getattr(request.user, "is_authenticated", False):
            return str(request.user.get_username())
        data = request.data
        name = data.get(get_user_model().USERNAME_FIELD, "") if hasattr(data, "get") else ""
        return str(name)


def fold(name: str) -> str:
    """An account's name as databases compare it, or more loosely.

    Without case, accents and invisible characters, in one Unicode form: whoever may reach one
    account by two spellings has one count for both.
    """
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", name).casefold())
    seen = (letter for letter in decomposed if unicodedata.category(letter) not in _UNSEEN)
    return "".join(seen).strip()


#: Combining marks, format and control characters.
_UNSEEN = frozenset({"Mn", "Me", "Cf", "Cc"})


def network_of(request: Any) -> str:
    """The client's network: an IPv4 address, or the /64 of an IPv6 one; "" where unknown.

    A home or a phone has a whole /64 to choose addresses from.
    """
    address = ip_address(client_address(request) or "0.0.0.0")  # noqa: S104 (nothing is bound)
    if address.version == 6 and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if address.version == 6:
        return f"{address.exploded[:19]}::/64"
    return "" if address.is_unspecified else str(address)


def parse_rate(rate: str) -> tuple[int, float]:
    """A rate in DRF's notation, as (number, seconds).

    Raises:
        ImproperlyConfigured: it is none.
    """
    try:
        number, _, unit = rate.partition("/")
        return int(number), {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}[unit[0]]
    except (AttributeError, ValueError, LookupError):
        raise ImproperlyConfigured(
            f"{rate!r} is no rate. Write a number, a slash, and s, min, hour or day: '20/hour'."
        ) from None
