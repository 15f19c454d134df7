"""Rate limits that hold under concurrency.

DRF's own throttles read a list from the cache and write it back, so parallel attempts overwrite
each other and exceed the rate. These throttles count each attempt in one atomic step. No span of
time of the rate's length contains more attempts than the rate allows.

A scope's rate is looked up in DRF's ``DEFAULT_THROTTLE_RATES``, then in ``RATES`` below. None in
``DEFAULT_THROTTLE_RATES`` switches the limit off.
"""

import hashlib
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from django.core.cache import caches
from django.core.exceptions import ImproperlyConfigured, SuspiciousOperation
from django.http import HttpRequest
from rest_framework import exceptions
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.throttling import BaseThrottle

from drf_ratchet.account_names import account_fields, as_stored, fold, text_of
from drf_ratchet.bounds import MAX_CREDENTIAL_LENGTH, declared_size, max_body_size
from drf_ratchet.conf import ratchet_settings
from drf_ratchet.counters import Counts, Full, Span, counts_in
from drf_ratchet.exceptions import Busy, in_contract_shape
from drf_ratchet.security_log import security_log
from drf_ratchet.sessions.device import network_of
from drf_ratchet.signals import session_opened
from drf_ratchet.tenants import issuer_for

if TYPE_CHECKING:
    from rest_framework.views import APIView

T = TypeVar("T")

#: The default rate of each scope, used if ``DEFAULT_THROTTLE_RATES`` has no entry for it.
RATES: dict[str, str | None] = {
    # Failed sign-ins for one account from one network. It suffices for a user who has forgotten
    # the password. An attacker on another network does not use up the owner's attempts.
    "sign_in": "20/hour",
    # Failed sign-ins from one network, for any account: limits password spraying.
    "sign_in_address": "100/hour",
    # Failed sign-ins for one account from any network: limits a botnet. Only many networks
    # together reach it.
    "sign_in_account": "300/hour",
    # Successful sign-ins for one account. A session lasts for days, so no program needs more
    # than one per second.
    "sign_in_success": "3600/hour",
    # Wrong passwords of a signed-in user, by session: step-up and changing the password.
    "step_up": "20/hour",
    # Refreshes of one session.
    "refresh": "120/min",
    # Refresh tokens from one network that we did not issue. Valid tokens, and those of ended
    # sessions, do not count: the users of an office, or of a server that renders pages, share one
    # network.
    "refresh_failures": "60/min",
    # Wrong secrets of services, counted by service and network, and by network for any service.
    "service_failures": "30/min",
}


def rate_of(scope: str) -> tuple[int, float] | None:
    """Return the rate of a scope as (number, seconds); None if it is switched off.

    Args:
        scope: a key of ``RATES``.

    Raises:
        ImproperlyConfigured: the rate is invalid.
    """
    rates = api_settings.DEFAULT_THROTTLE_RATES or {}
    rate = rates.get(scope, RATES.get(scope))
    return None if rate is None else parse_rate(rate)


def parse_rate(rate: object) -> tuple[int, float]:
    """Parse a rate in DRF's notation into (number, seconds).

    Args:
        rate: a number, a slash and a unit, which may have a number of its own: "300/hour",
            "5/10min".

    Raises:
        ImproperlyConfigured: the rate is invalid.
    """
    found = _RATE.match(rate) if isinstance(rate, str) else None
    if found is None:
        raise ImproperlyConfigured(
            f"{rate!r} is not a rate. Write a number, a slash, and s, min, hour or day: '20/hour'."
        )
    number, units, unit = found.groups()
    return int(number), int(units or 1) * _SECONDS[unit]


# Like DRF, look at the first letter of the unit only.
_RATE = re.compile(r"(-?[0-9]{1,9})/([1-9][0-9]{0,3})?([smhd])", re.ASCII)
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


@dataclass(slots=True)
class RateLimit:
    """Count events of one scope and one identity within a span of time.

    Args:
        scope: the kind of event, a key of ``RATES``.
        ident: the network, account or session. It is hashed before it becomes part of a cache key.
        request: the request that is counted. Each issuer of a callable ``ISSUER`` has counts of
            its own.
    """

    scope: str
    ident: str
    request: HttpRequest | None = field(default=None, repr=False)
    _taken: Span | None = field(default=None, init=False, repr=False)

    def take(self) -> float | None:
        """Count one attempt and return None; if the rate is exceeded, return the seconds to wait.

        Raises:
            Busy: the cache fails, and ``THROTTLE_FAILS_OPEN`` is off.
            ImproperlyConfigured: the rate is invalid.
        """
        return take_all([self])

    def give_back(self) -> None:
        """Undo the last ``take``."""
        give_back_all([self])

    def seconds_to_wait(self) -> float | None:
        """Return the seconds until the rate allows an attempt, or None, without counting."""
        return take_all((), looked_at=[self])

    def span(self) -> Span | None:
        """Return the span of time that ends now; None if the rate is switched off.

        Raises:
            ImproperlyConfigured: the rate is invalid.
        """
        rate = rate_of(self.scope)
        return None if rate is None else Span(self._name(), *rate, time.time())

    def _name(self) -> str:
        issuer = _issuer_of(self.request)
        # The length keeps pairs apart whose concatenation is the same text.
        text = f"{len(issuer)} {issuer} {self.ident}"
        digest = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
        return f"ratchet:{self.scope}:{digest[:32]}"


def _issuer_of(request: HttpRequest | None) -> str:
    """Return the issuer of a request. A project's callable may be slow, so call it only once."""
    http: Any = getattr(request, "_request", request)
    if http is None:
        return ""
    if not hasattr(http, "_ratchet_issuer"):
        http._ratchet_issuer = issuer_for(request) or ""
    issuer: str = http._ratchet_issuer
    return issuer


def take_all(counters: Sequence[RateLimit], looked_at: Sequence[RateLimit] = ()) -> float | None:
    """Count one attempt in all counters and return None, or return the seconds to wait.

    If one of them refuses the attempt, none of them counts it.

    Args:
        counters: the counters of the attempt, the one likely to be exhausted first at the front.
        looked_at: counters that must allow the attempt, too, and do not count it.

    Raises:
        Busy: the cache fails, and ``THROTTLE_FAILS_OPEN`` is off.
        ImproperlyConfigured: a rate is invalid.
    """
    spans = [(counter, span) for counter in counters if (span := counter.span())]
    others = [span for counter in looked_at if (span := counter.span())]
    if not spans and not others:
        return None
    full = _guarded(lambda counts: counts.take([span for _, span in spans], others))
    if isinstance(full, Full):
        return full.span.wait(full.counts)
    for counter, span in spans:
        counter._taken = span
    return None


def give_back_all(counters: Sequence[RateLimit], added: Sequence[RateLimit] = ()) -> None:
    """Undo the last ``take`` of some counters, and count the attempt in others.

    Args:
        counters: the counters whose last ``take`` is undone.
        added: counters that count the attempt instead, even beyond their rates.

    Raises:
        Busy: the cache fails, and ``THROTTLE_FAILS_OPEN`` is off.
    """
    taken = [counter._taken for counter in counters if counter._taken]
    others = [span for counter in added if (span := counter.span())]
    if taken or others:
        _guarded(lambda counts: counts.change(taken, others))
    for counter in counters:
        counter._taken = None


def _guarded(count: Callable[[Counts], T]) -> T | None:
    """Count in the cache; return None if the cache fails and ``THROTTLE_FAILS_OPEN`` is on.

    Args:
        count: called with the cache's counts.

    Raises:
        Busy: the cache fails, and ``THROTTLE_FAILS_OPEN`` is off.
    """
    settings = ratchet_settings()
    try:
        return count(counts_in(caches[settings.THROTTLE_CACHE]))
    except Exception as error:
        # The cache's driver may raise anything, and the text may contain the cache's address.
        goes_on = settings.THROTTLE_FAILS_OPEN
        security_log.critical(
            "The cache cannot count (%s): sign-in is %s. Check THROTTLE_CACHE.",
            type(error).__name__,
            "UNLIMITED" if goes_on else "refused",
        )
        if goes_on:
            return None
        raise in_contract_shape(Busy()) from None


class CountingThrottle(BaseThrottle):
    """A DRF throttle over several counters: all of them allow an attempt, or none counts it.

    Safe requests (``GET``, ``HEAD``, ``OPTIONS``) are not counted. An attempt succeeds when it
    calls ``open_session(request=request)``.
    """

    def __init__(self) -> None:
        self._taken: list[RateLimit] = []
        self._successes: list[RateLimit] = []
        self._wait: float | None = None

    def attempt(self, request: Request, view: "APIView") -> bool:
        """Count an attempt with ``take``, and return whether it is allowed.

        Args:
            request: DRF's request.
            view: the view that handles it.
        """
        raise NotImplementedError

    def allow_request(self, request: Request, view: "APIView") -> bool:
        """Return whether every counter allows the request."""
        if request.method in SAFE_METHODS:
            return True
        http: Any = request._request
        others = getattr(http, "_ratchet_throttles", [])
        if any(type(one) is type(self) for one in others):
            return True  # the view has this throttle, and DEFAULT_THROTTLE_CLASSES names it again
        if not self.attempt(request, view):
            return False
        http._ratchet_throttles = [*others, self]
        return True

    def take(self, failures: Sequence[RateLimit], successes: Sequence[RateLimit] = ()) -> bool:
        """Count the attempt if all counters allow it, and return whether they do.

        Args:
            failures: counters that count the attempt unless it succeeds.
            successes: counters that count the attempt if it succeeds.
        """
        self._wait = take_all(failures, looked_at=successes)
        if self._wait is not None:
            self.give_back()
            return False
        self._taken += failures
        self._successes += successes
        return True

    def wait(self) -> float | None:
        """Return the seconds to wait, for ``Retry-After``."""
        return self._wait

    def give_back(self) -> None:
        """Remove the attempt from all counters."""
        self._successes = []
        self.succeed()

    def succeed(self) -> None:
        """Count the attempt as a success instead of a failure."""
        taken, successes = self._taken, self._successes
        self._taken, self._successes = [], []
        give_back_all(taken, added=successes)


def _succeed(request: HttpRequest | None = None, **kwargs: Any) -> None:
    for throttle in getattr(getattr(request, "_request", request), "_ratchet_throttles", ()):
        throttle.succeed()


session_opened.connect(_succeed, dispatch_uid="drf_ratchet.throttling")


class SignInThrottle(CountingThrottle):
    """Limit failed sign-ins: per network, per account and network, and per account.

    The account is the value of the field that the serializer's ``username_field`` names. Successful
    sign-ins of an account are limited by a rate of their own.
    """

    def __init__(self) -> None:
        super().__init__()
        self._accounts: set[str] = set()

    def attempt(self, request: Request, view: "APIView") -> bool:
        """Return whether the network and the account may try once more.

        Args:
            request: DRF's request.
            view: the view that handles it.

        Raises:
            ValidationError: the account's name is not a string, or is too long. The network's
                counter has counted the attempt.
            APIException: the body cannot be parsed. The network's counter has counted the attempt.
        """
        network = [RateLimit("sign_in_address", network_of(request), request)]
        if declared_size(request) > max_body_size(view):
            # A project's view may accept a large body, but not from a network over its rate.
            if not self.take(network):
                return False
            network = []
        refusal: Exception | None = None
        account: str | None = None
        try:
            account = self._account(request, view)
        except (exceptions.APIException, SuspiciousOperation) as error:
            refusal = error
        failures, successes = self._counters(request, account)
        if not self.take([*network, *failures], successes):
            return False
        if refusal is not None:
            raise refusal
        return True

    def get_account(self, request: Request, view: "APIView") -> str | None:
        """Return the name of the account that an attempt is for.

        Override this if the account's name is not a text field of the view's serializer.

        Args:
            request: DRF's request.
            view: the view that handles it.

        Returns:
            The name; "" if the request leaves it out. None if the sign-in names no account, as with
            a link: only the network is counted then.

        Raises:
            ValidationError: the name is not a string, or is longer than 4,096 characters.
        """
        data = request.data
        if not isinstance(data, Mapping):
            return None  # the serializer reports it
        account: str | None = None
        for name in account_fields(view, data):
            if data.get(name) not in (None, ""):
                return text_of(name, data[name])
            account = ""
        return account

    def count_account(self, request: Request, name: str) -> float | None:
        """Count the attempt for one more account, unless it is counted for it already.

        Args:
            request: DRF's request.
            name: the name of the account as the authentication backend receives it.

        Returns:
            None, or the seconds to wait. In that case the attempt is not counted.
        """
        failures, successes = self._counters(request, as_stored(name))
        return None if not failures or self.take(failures, successes) else self._wait

    def _account(self, request: Request, view: "APIView") -> str | None:
        account = self.get_account(request, view)
        # A project's get_account may return any type.
        return None if account is None else text_of("username", account)

    def _counters(
        self, request: Request, account: str | None
    ) -> tuple[list[RateLimit], list[RateLimit]]:
        """Return the counters of failures and of successes of an account.

        Both lists are empty if this attempt is already counted for the account.
        """
        folded = None if account is None else fold(account)
        if folded is None or folded in self._accounts:
            return [], []
        self._accounts.add(folded)
        failures = [
            RateLimit("sign_in", f"{folded} {network_of(request)}", request),
            RateLimit("sign_in_account", folded, request),
        ]
        return failures, [RateLimit("sign_in_success", folded, request)]


class StepUpThrottle(CountingThrottle):
    """Limit how often a signed-in user may enter a wrong password, by session.

    Use it for views that ask for the password again: step-up, changing the password, deleting the
    account. Failed sign-ins are not counted here, so an attacker cannot lock a user out of them.
    """

    def attempt(self, request: Request, view: "APIView") -> bool:
        """Return whether the session may try once more."""
        who = _session_or_user(request)
        return self.take(
            [RateLimit("step_up", who, request)], [RateLimit("sign_in_success", who, request)]
        )


def count_account(view: Any, request: Any, name: object) -> None:
    """Count a sign-in for the account of the credentials, before the password is checked.

    Args:
        view: the view whose ``SignInThrottle`` counted the submitted name, or None.
        request: DRF's request.
        name: the account's name as the authentication backends receive it, of any type.

    Raises:
        Throttled: too many sign-ins have failed for that account.
    """
    if not isinstance(name, str) or len(name) > MAX_CREDENTIAL_LENGTH:
        return
    for throttle in getattr(view, "throttles", ()):
        if isinstance(throttle, SignInThrottle):
            wait = throttle.count_account(request, name)
            if wait is not None:
                raise exceptions.Throttled(wait)


def _session_or_user(request: Request) -> str:
    auth = request.auth
    claims = getattr(auth, "payload", auth)
    if isinstance(claims, Mapping) and claims.get("sid"):
        return f"session {claims['sid']}"
    if getattr(request.user, "is_authenticated", False):
        return f"user {request.user.pk}"
    return f"network {network_of(request)}"
