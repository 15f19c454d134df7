"""Counts in each kind of cache: atomic, all or none, and in one round trip by a script."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import redis
from django.contrib.auth.models import User
from django.core.cache import cache, caches
from django.core.cache.backends.base import BaseCache
from rest_framework.test import APIClient

from drf_ratchet import counters, security_log, throttling
from drf_ratchet.exceptions import Busy
from drf_ratchet.throttling import RateLimit, give_back_all, take_all
from tests.fixtures import PASSWORD, Tokens
from tests.servers import valkey

pytestmark = [pytest.mark.any_database, pytest.mark.starts]

LOCMEM = "django.core.cache.backends.locmem.LocMemCache"
REDIS = "django.core.cache.backends.redis.RedisCache"


@pytest.fixture(scope="module")
def server() -> Iterator[redis.Redis]:
    with valkey() as url:
        client = redis.Redis.from_url(url)
        # A user as some hosts give out: it may count and may not run scripts.
        client.acl_setuser("plain", enabled=True, nopass=True, keys="*", categories=["+@all"])
        client.execute_command("ACL", "SETUSER", "plain", "-@scripting")
        yield client
        client.close()


@pytest.fixture
def rates(settings: Any) -> Callable[..., None]:
    """Set rates; those not named are off."""

    def rates(**named: str) -> None:
        chosen = {**dict.fromkeys(throttling.RATES), **named}
        settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": chosen}

    return rates


def use(settings: Any, backend: str, location: str = "", **options: Any) -> None:
    settings.CACHES = {
        "default": {"BACKEND": LOCMEM},
        "counts": {"BACKEND": backend, "LOCATION": location, "KEY_PREFIX": "shop", **options},
    }
    settings.DRF_RATCHET = {**settings.DRF_RATCHET, "THROTTLE_CACHE": "counts"}


def url_of(server: redis.Redis, user: str = "") -> str:
    port = server.connection_pool.connection_kwargs["port"]
    return f"redis://{user}127.0.0.1:{port}/0"


def keys_of(server: redis.Redis) -> list[bytes]:
    return list(server.scan_iter())


@pytest.fixture(params=["in this process", "by a script", "by commands"])
def each_way(request: pytest.FixtureRequest, settings: Any) -> str:
    """Each way to count, on a real server where it takes one."""
    if request.param == "in this process":
        use(settings, LOCMEM, "counts")
    else:
        server = request.getfixturevalue("server")
        server.flushall()
        use(settings, REDIS, url_of(server, "" if "script" in request.param else "plain:x@"))
    caches["counts"].clear()
    way: str = request.param
    return way


def test_as_many_as_the_rate(each_way: str, rates: Any) -> None:
    rates(sign_in="5/min")
    taken = [RateLimit("sign_in", "a").take() for _ in range(8)]
    assert taken[:5] == [None] * 5
    assert all(wait and 0 < wait <= 70 for wait in taken[5:])
    assert RateLimit("sign_in", "b").take() is None


def test_under_many_threads(each_way: str, rates: Any) -> None:
    rates(sign_in="10/hour", sign_in_address="100/hour")

    def attempt(_: int) -> Any:
        return take_all([RateLimit("sign_in_address", "n"), RateLimit("sign_in", "a")])

    with ThreadPoolExecutor(16) as pool:
        taken = list(pool.map(attempt, range(200)))
    assert taken.count(None) == 10
    # What the account has refused, the network has not counted.
    rest = [RateLimit("sign_in_address", "n").take() for _ in range(100)]
    assert rest.count(None) == 90


def test_never_more_in_any_span(each_way: str, rates: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    rates(sign_in="5/min")
    start, passed = 1_800_000_000.0, []
    for tick in range(0, 300, 2):
        monkeypatch.setattr(throttling.time, "time", lambda at=start + tick: at)
        if RateLimit("sign_in", "a").take() is None:
            passed.append(tick)
    for first in passed:
        assert sum(first <= tick < first + 60 for tick in passed) <= 5
    assert len(passed) >= 20


def test_what_is_looked_at_is_not_counted(each_way: str, rates: Any) -> None:
    rates(sign_in="2/hour", sign_in_success="1/hour")
    looked_at = [RateLimit("sign_in_success", "a")]
    for _ in range(3):
        counter = RateLimit("sign_in", "a")
        assert take_all([counter], looked_at) is None
        give_back_all([counter])
    counter = RateLimit("sign_in", "a")
    assert take_all([counter], looked_at) is None
    give_back_all([counter], added=looked_at)
    assert take_all([RateLimit("sign_in", "a")], looked_at) is not None
    assert RateLimit("sign_in_success", "a").seconds_to_wait() is not None
    # The refused attempt was counted nowhere.
    assert [RateLimit("sign_in", "a").take() for _ in range(2)] == [None, None]


def test_giving_back_what_is_gone_is_no_credit(each_way: str, rates: Any) -> None:
    rates(sign_in="2/hour")
    counter = RateLimit("sign_in", "a")
    assert counter.take() is None
    caches["counts"].clear()
    counter.give_back()
    counter.give_back()
    assert [RateLimit("sign_in", "a").take() is None for _ in range(3)] == [True, True, False]


def test_two_prefixes_count_apart(server: redis.Redis, settings: Any, rates: Any) -> None:
    rates(sign_in="1/hour")
    server.flushall()
    for prefix in ("one", "two"):
        use(settings, REDIS, url_of(server), KEY_PREFIX=prefix)
        assert RateLimit("sign_in", "a").take() is None
        assert RateLimit("sign_in", "a").take() is not None
    assert {key.partition(b":")[0] for key in keys_of(server)} == {b"one", b"two"}


def test_keys_expire(server: redis.Redis, settings: Any, rates: Any) -> None:
    rates(sign_in="5/min", sign_in_success="5/min")
    server.flushall()
    use(settings, REDIS, url_of(server))
    counter, success = RateLimit("sign_in", "a"), RateLimit("sign_in_success", "a")
    take_all([counter], [success])
    give_back_all([counter], added=[success])
    assert len(keys_of(server)) == 2
    assert all(60 < server.ttl(key) <= 180 for key in keys_of(server))


# Round trips


class Trips:
    """How often the server was spoken to: what it read, and which commands it ran."""

    def __init__(self, server: redis.Redis) -> None:
        self._server = server
        self.start()

    def start(self) -> None:
        self._server.config_resetstat()
        self._read = self._server.info("stats")["total_reads_processed"]

    def taken(self) -> int:
        """Since the start, or since they were asked for."""
        # One of them is the question itself.
        number = self._server.info("stats")["total_reads_processed"] - self._read - 1
        self.start()
        return int(number)


def test_one_round_trip(
    server: redis.Redis, settings: Any, api: APIClient, alice: User, show: Callable[[str], None]
) -> None:
    use(settings, REDIS, url_of(server))
    server.flushall()

    def sign_in(password: str) -> Any:
        return api.post("/api/token/", {"username": "alice", "password": password})

    tokens = Tokens(**sign_in(PASSWORD).json())  # connects, and loads the scripts
    assert sign_in("wrong").status_code == 401
    trips = Trips(server)
    assert sign_in(PASSWORD).status_code == 200
    right = trips.taken()
    assert sign_in("wrong").status_code == 401
    wrong = trips.taken()
    refreshed = Tokens(**api.post("/api/token/refresh/", {"refresh": tokens.refresh}).json())
    refresh = trips.taken()
    for _ in range(20):
        sign_in("wrong")
    trips.taken()
    assert sign_in(PASSWORD).status_code == 429
    refused = trips.taken()
    body = {"refresh": refreshed.refresh, "password": PASSWORD}
    assert api.post("/api/step-up/", body, **refreshed.bearer).status_code == 200
    step_up = trips.taken()
    show(
        f"round trips to Valkey: {right} for a sign-in, {wrong} for a wrong password, {refused} "
        f"for a 429, {refresh} for a refresh, {step_up} for a step-up"
    )
    assert (right, wrong, refused, refresh, step_up) == (2, 1, 1, 1, 2)


# Without an answer


class Silent(redis.Redis):
    """A client that passes over its errors, as django-redis does with IGNORE_EXCEPTIONS."""

    def execute_command(self, *args: Any, **options: Any) -> Any:
        return None


def test_a_cache_that_answers_nothing(
    server: redis.Redis, settings: Any, rates: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    rates(sign_in="5/min")
    use(settings, REDIS, url_of(server))
    monkeypatch.setattr(caches["counts"]._cache, "_client", Silent)
    with pytest.raises(Busy):
        RateLimit("sign_in", "a").take()


class PassesOver(BaseCache):
    """A cache that passes over its errors, as pymemcache's does with ignore_exc."""

    def __init__(self, location: str, params: dict[str, Any]) -> None:
        super().__init__(params)

    def add(self, *args: Any, **kwargs: Any) -> bool:
        return False

    def incr(self, *args: Any, **kwargs: Any) -> Any:
        return self.key_prefix == "None" and None

    def get_many(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        return {}


@pytest.mark.parametrize("answer", ["None", "False"])
def test_another_cache_that_answers_nothing(settings: Any, rates: Any, answer: str) -> None:
    rates(sign_in="5/min")
    use(settings, f"{__name__}.PassesOver", KEY_PREFIX=answer)
    with pytest.raises(Busy):
        RateLimit("sign_in", "a").take()


def test_a_server_that_runs_no_scripts_is_told_of_once(
    server: redis.Redis, settings: Any, rates: Any, caplog: pytest.LogCaptureFixture
) -> None:
    security_log._logged.clear()
    rates(sign_in="5/min")
    use(settings, REDIS, url_of(server, "plain:x@"))
    for _ in range(3):
        assert RateLimit("sign_in", "a").take() is None
    assert caplog.text.count("refuses to run a script (NoPermissionError)") == 1


# In memory


def test_other_names_push_no_count_out(rates: Any) -> None:
    rates(sign_in="2/hour", sign_in_account="2/hour")
    assert [RateLimit("sign_in", "a").take() for _ in range(2)] == [None] * 2
    for number in range(2000):
        RateLimit("sign_in", f"user {number}").take()
        cache.set(f"page-{number}", "x")
    assert RateLimit("sign_in", "a").take() is not None


def test_clearing_the_cache_clears_the_counts(rates: Any) -> None:
    rates(sign_in="1/hour")
    assert RateLimit("sign_in", "a").take() is None
    assert RateLimit("sign_in", "a").take() is not None
    cache.clear()
    assert RateLimit("sign_in", "a").take() is None


def test_the_memory_has_a_bound(rates: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counters._InProcess, "MOST", 100)
    rates(sign_in="1/hour")
    for number in range(1000):
        assert RateLimit("sign_in", f"user {number}").take() is None
    assert len(cache._expire_info["ratchet"]) <= 100
    # The newest is kept.
    assert RateLimit("sign_in", "user 999").take() is not None


# Where nothing can be counted


@pytest.mark.parametrize(
    "backend", ["dummy.DummyCache", "filebased.FileBasedCache", "db.DatabaseCache"]
)
def test_a_cache_that_cannot_count_is_told_of_in_the_log(
    backend: str, tmp_path: Any, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    security_log._logged.clear()
    use(settings, f"django.core.cache.backends.{backend}", str(tmp_path))
    for _ in range(3):
        counters.counts_in(caches["counts"])
    assert caplog.text.count(f"in a {backend.partition('.')[2]}, which cannot count") == 1
