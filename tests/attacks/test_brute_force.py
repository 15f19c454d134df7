"""A thousand wrong passwords at once, against several processes that share a Valkey."""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.races.server import served
from tests.servers import valkey
from tests.sizes import sized

pytestmark = [pytest.mark.any_database, pytest.mark.starts, pytest.mark.full]

ATTEMPTS = sized(1000, 100)
AT_ONCE = sized(50, 20)
RATE = 20
ROOT = Path(__file__).resolve().parents[2]

Attack = tuple[str, str]


def one_account(number: int) -> Attack:
    """A botnet guesses alice's password: (username, address)."""
    return "alice", f"2001:db8:{number:x}::1"


def one_address(number: int) -> Attack:
    """One machine tries a password on everybody."""
    return f"user{number}", "203.0.113.9"


@pytest.fixture(scope="module")
def valkey_url() -> Iterator[str]:
    with valkey() as url:
        yield url


def attacked(
    throttle: str, template: str, folder: Path, valkey_url: str
) -> dict[str, tuple[int, Counter[int]]]:
    """Make each attack on a server with that kind of throttle.

    Returns:
        By the attack's name: how many passwords reached the hasher, and how often each status was
        answered.
    """
    folder.mkdir()
    hashed = folder / "hashed"
    environment = {
        "DJANGO_SETTINGS_MODULE": "tests.attacks.settings",
        "HASHED": str(hashed),
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        "RATE": f"{RATE}/hour",
        "THROTTLE": throttle,
        "VALKEY_URL": valkey_url,
    }
    outcome = {}
    with served(template, folder, **environment) as address:
        for attack in (one_account, one_address):
            hashed.write_bytes(b"")
            answers = Counter(guess_all(address, attack))
            outcome[attack.__name__] = (len(hashed.read_bytes()), answers)
    return outcome


def guess_all(address: str, attack: Callable[[int], Attack]) -> list[int]:
    """Make ``ATTEMPTS`` attempts, ``AT_ONCE`` at a time; their statuses."""

    def guess(numbers: range) -> list[int]:
        with httpx.Client(base_url=address, timeout=60, verify=False) as client:
            return [status(client, *attack(number)) for number in numbers]

    with ThreadPoolExecutor(AT_ONCE) as pool:
        shares = [range(first, ATTEMPTS, AT_ONCE) for first in range(AT_ONCE)]
        return [each for share in pool.map(guess, shares) for each in share]


def status(client: httpx.Client, username: str, address: str) -> int:
    answer = client.post(
        "/api/token/",
        json={"username": username, "password": "wrong"},
        headers={"X-Forwarded-For": address},
    )
    return answer.status_code


@pytest.mark.django_db(transaction=True)
def test_never_more_than_the_rate(
    demo_template: str, tmp_path: Path, valkey_url: str, show: Callable[[str], None]
) -> None:
    ours = attacked("ours", demo_template, tmp_path / "ours", valkey_url)
    for name, (hashed, answers) in ours.items():
        show(f"{ATTEMPTS} wrong passwords at {RATE}/hour, {name}: {hashed} reached the hasher here")
        assert hashed == RATE
        assert answers == {401: RATE, 429: ATTEMPTS - RATE}


@pytest.mark.full
@pytest.mark.django_db(transaction=True)
def test_drfs_own_throttle_counts_only_by_address(
    demo_template: str, tmp_path: Path, valkey_url: str, show: Callable[[str], None]
) -> None:
    """Each of a botnet's addresses has a rate of its own there."""
    drfs = attacked("drf", demo_template, tmp_path / "drf", valkey_url)
    for name, (hashed, _) in drfs.items():
        show(
            f"{ATTEMPTS} wrong passwords at {RATE}/hour, {name}: {hashed} reached the hasher with "
            "DRF's own throttle"
        )
        assert hashed >= RATE
