"""The client and the real server: the demo, with several processes."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
from callers import PASSWORD

from drf_ratchet_client import RatchetError, RatchetSession, SignedOut, StandardSender, TokenFile
from drf_ratchet_client.httpx import RatchetAuth as HttpxAuth
from drf_ratchet_client.requests import RatchetAuth as RequestsAuth
from tests.races.databases import demo_database
from tests.races.server import serving

pytestmark = [pytest.mark.any_database, pytest.mark.full]


@pytest.fixture(scope="module")
def demo(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("demo")
    # With no grace period, whatever is forgiven is forgiven for the sake of the Idempotency-Key.
    options = '{"ROTATION_GRACE": 0}'
    with (
        django_db_blocker.unblock(),
        demo_database(folder) as url,
        serving(url, folder / "server.log", workers=2, RACE_OPTIONS=options) as server,
    ):
        yield f"{server.address}/api/"


def test_sign_in_refresh_and_sign_out(demo: str, tmp_path: Path) -> None:
    session = RatchetSession(demo, store=TokenFile(tmp_path / "tokens.json"))
    with pytest.raises(RatchetError) as wrong:
        session.sign_in(username="alice", password="wrong")
    assert (wrong.value.status, wrong.value.code) == (401, "no_active_account")
    with pytest.raises(RatchetError) as missing:
        session.sign_in(username="alice")
    assert (missing.value.code, list(missing.value.fields)) == ("invalid", ["password"])
    session.sign_in(username="alice", password=PASSWORD)

    with httpx.Client(auth=HttpxAuth(session), base_url=demo) as client:
        assert client.get("protected/").status_code == 200
        session.refresh()
        assert client.post("posts/create/", json={"title": "a", "body": "b"}).status_code == 201
        answer = requests.get(f"{demo}protected/", auth=RequestsAuth(session), timeout=9)
        assert answer.status_code == 200
        session.sign_out()
        with pytest.raises(SignedOut):
            client.get("protected/")
    assert list(tmp_path.glob("tokens.json")) == []


def test_threads_refresh_once_and_a_lost_answer_is_asked_for_again(demo: str) -> None:
    session = RatchetSession(demo)
    session.sign_in(username="alice", password=PASSWORD)
    send, asked = StandardSender(), []

    def losing(call: Any) -> Any:
        answer = send(call)
        asked.append(call.headers["Idempotency-Key"])
        if len(asked) == 1:
            raise ConnectionResetError
        return answer

    session._send = losing
    refused = session.grant()
    with ThreadPoolExecutor(20) as pool:
        grants = list(pool.map(lambda _: session.grant(after=refused), range(20)))

    assert len({grant.access for grant in grants}) == 1
    assert len(asked) == 2
    assert len(set(asked)) == 1
    session.refresh()


def test_a_session_that_was_ended_elsewhere_is_told_with_its_reason(demo: str) -> None:
    session = RatchetSession(demo)
    session.sign_in(username="bob", password=PASSWORD)
    other = RatchetSession(demo)
    other.sign_in(username="bob", password=PASSWORD)
    other.sign_out(everywhere=True)

    with httpx.Client(auth=HttpxAuth(session)) as client, pytest.raises(SignedOut) as caught:
        client.get(f"{demo}protected/")
    assert caught.value.reason == "session_ended"


def test_a_wrong_base_url_is_named(demo: str) -> None:
    session = RatchetSession(demo.removesuffix("api/"))
    with pytest.raises(RatchetError, match="Is base_url right") as caught:
        session.sign_in(username="alice", password=PASSWORD)
    assert caught.value.status == 404
