"""Some inputs for each target, with FULL=1 some hundred. `make fuzz` has the millions."""

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from drf_ratchet.throttling import RATES
from tests.fuzz.codec_targets import CODEC_TARGETS
from tests.fuzz.engines import Outcome, hypothesis_batch
from tests.fuzz.site import Site, no_part_of
from tests.fuzz.target import Target
from tests.fuzz.targets import all_targets
from tests.sizes import sized

pytestmark = pytest.mark.any_database

CODEC = {target.name: target for target in CODEC_TARGETS}
ON_THE_SITE = (
    *("authorization", "signed-claims"),
    *("token", "token-refresh", "token-verify", "logout", "logout-all", "step-up"),
)


@pytest.fixture
def site(db: None, settings: Any) -> Iterator[Site]:
    # Throttled endpoints would answer 429 and nothing else.
    settings.REST_FRAMEWORK = {
        **settings.REST_FRAMEWORK,
        "DEFAULT_THROTTLE_RATES": dict.fromkeys(RATES),
    }
    site = Site()
    yield site
    site.close()


def attack(target: Target, number: int, show: Callable[[str], None]) -> None:
    for seed in target.seeds:
        target.attack(seed)
    outcome = hypothesis_batch(target, random.getrandbits(32), number)
    show(f"fuzz: {target.name}: {outcome.tried} inputs, {len(outcome.crashes)} crashes")
    for crash in outcome.crashes:
        pytest.fail(f"{crash.data!r}\n{crash.report}")


@pytest.mark.parametrize("name", CODEC)
def test_the_codec(name: str, show: Callable[[str], None]) -> None:
    attack(CODEC[name], sized(400, 60), show)


@pytest.mark.parametrize("name", ON_THE_SITE)
def test_the_site(name: str, site: Site, show: Callable[[str], None]) -> None:
    (target,) = [target for target in all_targets(site) if target.name == name]

    attack(target, sized(400 if name == "authorization" else 100, 20), show)


def test_every_target_is_tried(site: Site) -> None:
    assert {target.name for target in all_targets(site)} == {*CODEC, *ON_THE_SITE}


def test_a_crash_is_found_and_made_small() -> None:
    def breaks(data: bytes) -> None:
        assert b"}" not in data

    outcome: Outcome = hypothesis_batch(Target("t", breaks, [b'{"a": 1}'], "claims"), 1, 100)

    (crash,) = outcome.crashes
    assert len(crash.data) < 10
    assert "AssertionError" in crash.report


def test_a_part_of_a_secret_is_found() -> None:
    secret = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0"
    no_part_of([secret, "short"], "short and eyJhbGciOiJ and more", "the answer")
    with pytest.raises(AssertionError, match="is in the answer"):
        no_part_of([secret], f"It was '{secret[4:20]}'.", "the answer")
