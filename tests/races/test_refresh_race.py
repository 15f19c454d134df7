"""Sixteen clients refresh one token at once, against several processes."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from django.db import connection

from tests.fixtures import PASSWORD, payload
from tests.races.server import served
from tests.sizes import few, sized

pytestmark = pytest.mark.starts

CLIENTS = 16
ROUNDS = sized(20, 4)


@pytest.fixture(params=few(["autocommit", "ATOMIC_REQUESTS"], "autocommit".__eq__))
def address(
    request: pytest.FixtureRequest, demo_template: str, tmp_path: Path, transactional_db: None
) -> Iterator[str]:
    atomic = "1" if request.param == "ATOMIC_REQUESTS" else "0"
    with served(demo_template, tmp_path, ATOMIC_REQUESTS=atomic) as address:
        yield address


def test_all_get_the_same_next_token(
    address: str, show: Callable[[str], None], request: pytest.FixtureRequest
) -> None:
    together = threading.Barrier(CLIENTS)
    # Plain HTTP: without verify=False each client first loads all the world's certificates.
    clients = [httpx.Client(base_url=address, timeout=30, verify=False) for _ in range(CLIENTS)]

    def refresh(client: httpx.Client, token: str) -> httpx.Response:
        together.wait()
        return client.post("/api/token/refresh/", json={"refresh": token})

    signed_in = clients[0].post("/api/token/", json={"username": "alice", "password": PASSWORD})
    token = signed_in.json()["refresh"]
    answered, one_successor = 0, 0
    with ThreadPoolExecutor(CLIENTS) as pool:
        for number in range(ROUNDS):
            answers = list(pool.map(refresh, clients, [token] * CLIENTS))
            assert {answer.status_code for answer in answers} == {200}, [a.text for a in answers]
            answered += len(answers)
            successors = {answer.json()["refresh"] for answer in answers}
            one_successor += len(successors) == 1
            token = successors.pop()
            assert payload(token)["gen"] == number + 2
    show(
        f"race on {connection.vendor}, {request.node.callspec.id}: {answered} of "
        f"{CLIENTS * ROUNDS} refreshes answered 200, {one_successor} of {ROUNDS} races with one "
        "successor"
    )
    assert one_successor == ROUNDS
    # The session is alive, and every access token of the last race is good.
    for client, answer in zip(clients, answers, strict=True):
        bearer = {"Authorization": f"Bearer {answer.json()['access']}"}
        assert client.get("/api/protected/", headers=bearer).status_code == 200
        client.close()
