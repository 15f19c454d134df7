"""Rate limits that hold under concurrency.

DRF's own throttles read a list from the cache and write it back, so parallel attempts overwrite
each other's and slip through. Here each attempt is counted in one atomic step, and no more of them
than the rate allows are let through in any span of its length.

A scope's rate is looked up in DRF's ``DEFAULT_THROTTLE_RATES``, then in ``RATES`` below; None there
switches it off.
"""

import hashlib
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.core.cache import caches
from django.core.exceptions import ImproperlyConfigured, SuspiciousOperation
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

T = TypeVar("T")

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
    # Right passwords for one account: one a second is more than any program needs, because a
    # session lasts for days.
    "sign_in_success": "3600/hour",
    # Wrong passwords of somebody who is signed in, by session: step-up and changing the password.
    "step_up": "20/hour",
    # Refreshes of one session.
    "refresh": "120/min",
    # Refresh tokens from one network that are not ours. Valid ones, and those of sessions that have
    # ended, do not count: the visitors of an office, or of a server that renders pages, share one.
    "refresh_failures": "60/min",
    # Wrong secrets: of one service from one network, and from one network whatever the service.
    "service_failures": "30/min",
}


def rate_of(scope: str) -> tuple[int, float] | None:
    """Return the rate of a scope as (number, seconds); None if it is switched off.

    Raises:
        ImproperlyConfigured: it cannot be read.
    """
    rates: Any = api_settings.DEFAULT_THROTTLE_RATES or {}
    rate = rates.get(scope, RATES.get(scope))
    return None if rate is None else parse_rate(rate)


def parse_rate(rate: object) -> tuple[int, float]:
    """Return a rate in DRF's notation as (number, seconds).

    Args:
        rate: a number, a slash and a unit, which may have a number of its own: "300/hour",
            "5/10min".

    Raises:
        ImproperlyConfigured: it is none.
    """
    found = _RATE.match(rate) if isinstance(rate, str) else None
    if found is None:
        raise ImproperlyConfigured(
            f"{rate!r} is no rate. Write a number, a slash, and s, min, hour or day: '20/hour'."
        )
    number, units, unit = found.groups()
    return int(number), int(units or 1) * _SECONDS[unit]


# DRF looks at the unit's first letter too.
_RATE = re.compile(r"(-?[0-9]{1,9})/([1-9][0-9]{0,3})?([smhd])", re.ASCII)
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


@dataclass(slots=True)
class RateLimit:
    """How often something happened within a span of time.

    Args:
        scope: what is counted; names the rate.
        ident: of whom, hashed before it becomes part of a key.
        request: the request that is counted; each issuer of a callable ``ISSUER`` has its own
            counts.
    """

    scope: str
    ident: str
    request: Any = field(default=None, repr=False)
    _taken: Span | None = field(default=None, init=False, repr=False)

    def take(self) -> float | None:
        """Count one attempt if the rate allows it; else return the seconds to wait.

        Raises:
            Busy: the cache is down, and sign-in is not to go on without it.
            ImproperlyConfigured: the rate cannot be read.
        """
        return take_all([self])

    def give_back(self) -> None:
        """Undo the last ``take``: it turned out not to count."""
        give_back_all([self])

    def seconds_to_wait(self) -> float | None:
        """Return the seconds until the rate allows an attempt, None for now; counts nothing."""
        return take_all((), looked_at=[self])

    def span(self) -> Span | None:
        """Return the span of time that ends now; None if the rate is switched off.

        Raises:
            ImproperlyConfigured: the rate cannot be read.
        """
        rate = rate_of(self.scope)
        return None if rate is None else Span(self._name(), *rate, time.time())

    def _name(self) -> str:
        issuer = _issuer_of(self.request)
        # The length keeps two pairs apart that are the same text when they are put together.
        text = f"{len(issuer)} {issuer} {self.ident}"
        digest = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
        return f"ratchet:{self.scope}:{digest[:32]}"


def _issuer_of(request: Any) -> str:
    """Return the issuer of a request, which is asked for once: a project's callable may cost."""
    http = getattr(request, "_request", request)
    if http is None:
        return ""
    if not hasattr(http, "_ratchet_issuer"):
        http._ratchet_issuer = issuer_for(request) or ""
    issuer: str = http._ratchet_issuer
    return issuer


def take_all(counters: Sequence[RateLimit], looked_at: Sequence[RateLimit] = ()) -> float | None:
    """Count one attempt in all counters, or return the seconds to wait if one does not allow it.

    An attempt that one of them refuses is counted by none.

    Args:
        counters: those that count it, the one to be exhausted first first.
        looked_at: those that must allow it too, and do not count it.

    Raises:
        Busy: the cache is down, and sign-in is not to go on without it.
        ImproperlyConfigured: a rate cannot be read.
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
    """Undo the last ``take`` of some counters, and count in others, whatever their rates allow.

    Args:
        counters: those that have counted what turned out not to count.
        added: those that count it instead.

    Raises:
        Busy: the cache is down, and sign-in is not to go on without it.
    """
    taken = [counter._taken for counter in counters if counter._taken]
    others = [span for counter in added if (span := counter.span())]
    if taken or others:
        _guarded(lambda counts: counts.change(taken, others))
    for counter in counters:
        counter._taken = None


def _guarded(count: Callable[[Counts], T]) -> T | None:
    """Count in the cache; None where that fails and sign-in goes on all the same."""
    settings = ratchet_settings()
    try:
        return count(counts_in(caches[settings.THROTTLE_CACHE]))
    except Exception as error:
        # Whatever the cache's driver raises. Its text may hold the cache's address.
        goes_on = settings.THROTTLE_FAILS_OPEN
        security_log.critical(
            "The cache cannot count (%s): sign-in goes on %s.",
            type(error).__name__,
            "UNLIMITED" if goes_on else "for nobody",
        )
        if goes_on:
            return None
        raise in_contract_shape(Busy()) from None


class CountingThrottle(BaseThrottle):
    """A DRF throttle over several counters: all of them allow an attempt, or none counts it.

    Requests that change nothing (``GET``, ``OPTIONS``) are no attempts. What ends in
    ``open_session(request=request)`` has succeeded.
    """

    def __init__(self) -> None:
        self._taken: list[RateLimit] = []
        self._successes: list[RateLimit] = []
        self._wait: float | None = None

    def attempt(self, request: Request, view: Any) -> bool:
        """Count an attempt by ``take``; return whether it is allowed."""
        raise NotImplementedError

    def allow_request(self, request: Request, view: Any) -> bool:
        """Whether every counter lets it through."""
        if request.method in SAFE_METHODS:
            return True
        http: Any = request._request
        others = getattr(http, "_ratchet_throttles", [])
        if any(type(one) is type(self) for one in others):
            return True  # a view of ours has it, and DEFAULT_THROTTLE_CLASSES names it again
        if not self.attempt(request, view):
            return False
        http._ratchet_throttles = [*others, self]
        return True

    def take(self, failures: Sequence[RateLimit], successes: Sequence[RateLimit] = ()) -> bool:
        """Count the attempt if all counters allow it; if not, count it for nothing.

        Args:
            failures: those that count it until it succeeds.
            successes: those that count it once it has succeeded.
        """
        self._wait = take_all(failures, looked_at=successes)
        if self._wait is not None:
            self.give_back()
            return False
        self._taken += failures
        self._successes += successes
        return True

    def wait(self) -> float | None:
        """Seconds, for Retry-After."""
        return self._wait

    def give_back(self) -> None:
        """Let the attempt count for nothing: it never took place."""
        self._successes = []
        self.succeed()

    def succeed(self) -> None:
        """Let the attempt count as a success and not as a failure."""
        taken, successes = self._taken, self._successes
        self._taken, self._successes = [], []
        give_back_all(taken, added=successes)


def _succeed(request: Any = None, **kwargs: Any) -> None:
    for throttle in getattr(getattr(request, "_request", request), "_ratchet_throttles", ()):
        throttle.succeed()


session_opened.connect(_succeed, dispatch_uid="drf_ratchet.throttling")


class SignInThrottle(CountingThrottle):
    """Limit failed sign-ins: per network, per account and network, and per account.

    The account is the one that the view's serializer is about to sign in: the field that its
    ``username_field`` names. Successful sign-ins count for the account, by a rate of their own.
    """

    def __init__(self) -> None:
        super().__init__()
        self._accounts: set[str] = set()

    def attempt(self, request: Request, view: Any) -> bool:
        """Whether the network and the account may try once more.

        Raises:
            ValidationError: the account's name is no text, or too long; the network has counted it.
            APIException: the body cannot be read; the network has counted it.
        """
        network = [RateLimit("sign_in_address", network_of(request), request)]
        if declared_size(request) > max_body_size(view):
            # A view of somebody else's may take it, but not from a network that is exhausted.
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

    def get_account(self, request: Request, view: Any) -> str | None:
        """Return the name of the account that an attempt is for.

        A login that names the account elsewhere than in a text field of its serializer overrides
        this.

        Args:
            request: DRF's request.
            view: the view that it is for.

        Returns:
            None where a sign-in names no account, as with a link; only the network counts it then.
            All that leave the name out share one account, "".

        Raises:
            ValidationError: it is no text, or longer than 4,096 characters.
        """
        data: Any = request.data
        if not isinstance(data, Mapping):
            return None  # the serializer refuses it
        account: str | None = None
        for name in account_fields(view, data):
            if data.get(name) not in (None, ""):
                return text_of(name, data[name])
            account = ""
        return account

    def count_account(self, request: Request, name: str) -> float | None:
        """Count the attempt for one more account, if it is not counted for that one.

        Args:
            request: DRF's request.
            name: whom it turned out to be for.

        Returns:
            None, or the seconds to wait; the attempt then counts for nothing.
        """
        failures, successes = self._counters(request, as_stored(name))
        return None if not failures or self.take(failures, successes) else self._wait

    def _account(self, request: Request, view: Any) -> str | None:
        account = self.get_account(request, view)
        # Whatever a project's own returns.
        return None if account is None else text_of("username", account)

    def _counters(
        self, request: Request, account: str | None
    ) -> tuple[list[RateLimit], list[RateLimit]]:
        """Return what counts failures, and what successes, of an account not counted so far."""
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
    """Limit how often a signed-in user may try a password, by session.

    For views that ask for the password again: step-up, a change of the password, the deletion of an
    account. Failed sign-ins of strangers do not count, so they cannot close such a view.
    """

    def attempt(self, request: Request, view: Any) -> bool:
        """Whether the session may try once more."""
        who = _session_or_user(request)
        return self.take(
            [RateLimit("step_up", who, request)], [RateLimit("sign_in_success", who, request)]
        )


def count_account(view: Any, request: Any, name: Any) -> None:
    """Count a sign-in for the account that it turned out to be for, before its password is tried.

    Args:
        view: the view whose ``SignInThrottle`` has counted what was typed; None for none.
        request: DRF's request.
        name: the account's name as the authentication backends get it; anything.

    Raises:
        Throttled: too many have failed for that account.
    """
    if not isinstance(name, str) or len(name) > MAX_CREDENTIAL_LENGTH:
        return
    for throttle in getattr(view, "throttles", ()):
        if isinstance(throttle, SignInThrottle):
            wait = throttle.count_account(request, name)
            if wait is not None:
                raise exceptions.Throttled(wait)


def _session_or_user(request: Request) -> str:
    auth: Any = request.auth
    claims = getattr(auth, "payload", auth)
    if isinstance(claims, Mapping) and claims.get("sid"):
        return f"session {claims['sid']}"
    if getattr(request.user, "is_authenticated", False):
        return f"user {request.user.pk}"
    return f"network {network_of(request)}"
