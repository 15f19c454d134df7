"""Every scenario of clients/faults.py, with httpx, with httpx on asyncio, and with requests."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from callers import PASSWORD, Caller, Scene

import drf_ratchet_client
from drf_ratchet_client import RatchetError, RatchetSession, SignedOut, TokenFile, UserChanged
from drf_ratchet_client.httpx import RatchetAuth

pytestmark = pytest.mark.any_database

Begin = Callable[..., Caller]


def assert_right(scene: Scene) -> None:
    verdict = scene.verdict()
    assert verdict["broken"] == [], verdict
    assert verdict["ok"]


@pytest.mark.parametrize(
    "name",
    ["healthy", "lost_answer", "lost_twice", "cut_off", "busy", "throttled", "bad_gateway"],
)
def test_a_refresh_survives(caller: Begin, name: str) -> None:
    program = caller(name)
    program.sign_in()
    program.advance()

    assert program.get() == 200
    assert_right(program.scene)


@pytest.mark.parametrize("name", ["server_behind", "server_ahead"])
def test_a_clock_that_is_off_by_400_days_costs_no_refresh(caller: Begin, name: str) -> None:
    program = caller(name)
    program.sign_in()

    assert [program.get() for _ in range(10)] == [200] * 10
    assert_right(program.scene)


def test_a_token_that_is_refused_early_is_replaced_once(caller: Begin) -> None:
    program = caller("refused_early")
    program.sign_in()

    assert program.get() == 200
    assert_right(program.scene)


def test_tokens_that_are_always_refused_end_in_a_401(caller: Begin) -> None:
    program = caller("refused_always")
    program.sign_in()

    assert program.get() == 401
    assert_right(program.scene)


def test_another_401_is_left_to_the_caller(caller: Begin) -> None:
    program = caller("step_up_wanted")
    program.sign_in()

    assert program.get() == 401
    assert_right(program.scene)


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("html_401", "error", "401 with an HTML page"),
        ("json_401", "error", "401 with JSON of another form"),
        ("html_200", "bad_answer", "200 with an HTML page"),
    ],
)
def test_what_something_in_front_of_the_server_says_signs_nobody_out(
    caller: Begin, name: str, code: str, words: str
) -> None:
    program = caller(name)
    program.sign_in()
    program.advance()

    with pytest.raises(RatchetError, match=words) as caught:
        program.get()
    assert caught.value.code == code
    assert not isinstance(caught.value, SignedOut)
    assert program.get() == 200
    assert_right(program.scene)


def test_the_end_of_the_session_is_told_and_asked_about_once(caller: Begin) -> None:
    program = caller("session_ended")
    program.sign_in()
    program.advance()

    with pytest.raises(SignedOut) as caught:
        program.get()
    assert caught.value.reason == "session_ended"
    with pytest.raises(SignedOut):
        program.get()
    assert_right(program.scene)


def test_a_retry_after_beyond_patience_is_told_at_once(caller: Begin) -> None:
    program = caller("retry_after_hour")
    program.sign_in()
    program.advance()
    start = time.monotonic()

    with pytest.raises(RatchetError) as caught:
        program.get()

    assert time.monotonic() - start < 5
    assert (caught.value.status, caught.value.retry_after) == (429, 3600)
    assert program.session.user == "alice"
    assert_right(program.scene)


def test_silence_has_an_end(caller: Begin) -> None:
    program = caller("silent", timeout=0.3, patience=1)
    program.sign_in()
    program.advance()
    start = time.monotonic()

    with pytest.raises(RatchetError, match=r"did not answer within 0\.3 seconds") as caught:
        program.get()

    assert time.monotonic() - start < 10
    assert caught.value.code == "no_answer"
    assert program.session.user == "alice"
    assert_right(program.scene)


def test_a_redirect_of_a_refresh_is_told_at_once(caller: Begin) -> None:
    program = caller("refresh_redirected")
    program.sign_in()
    program.advance()

    with pytest.raises(RatchetError, match="is base_url right") as caught:
        program.get()
    assert caught.value.code == "redirected"
    assert "/refresh_redirected/: is" in caught.value.detail, "and without its query"
    assert_right(program.scene)


def test_a_redirect_of_a_sign_in_takes_no_password_along(caller: Begin) -> None:
    program = caller("sign_in_redirected")

    with pytest.raises(RatchetError, match="is base_url right"):
        program.sign_in()
    assert_right(program.scene)


def test_a_redirect_to_another_origin_takes_no_token_along(caller: Begin) -> None:
    program = caller("resource_redirected")
    program.sign_in()

    assert program.get() == 200
    assert_right(program.scene)


def test_what_alice_has_called_is_not_sent_as_bob(caller: Begin) -> None:
    program = caller("two_users")
    program.sign_in()
    program.advance()
    outcome: list[Any] = []

    def call() -> None:
        try:
            outcome.append(program.get("whose/alice/"))
        except UserChanged as error:
            outcome.append(error.code)

    thread = threading.Thread(target=call)
    thread.start()
    wait_for_refresh(program.scene)
    program.sign_in("bob")
    thread.join()

    assert outcome[0] in (200, "user_changed")
    assert program.get("whose/bob/") == 200
    assert_right(program.scene)


def test_a_session_that_does_not_rotate_keeps_its_refresh_token(caller: Begin) -> None:
    program = caller("not_rotating")
    program.sign_in()
    for _ in range(2):
        program.advance()
        assert program.get() == 200
    assert_right(program.scene)


@pytest.mark.parametrize("name", ["signed_out", "sign_out_lost"])
def test_a_sign_out_ends_the_session_and_forgets_it(caller: Begin, name: str) -> None:
    program = caller(name)
    program.sign_in()
    program.sign_out()

    with pytest.raises(SignedOut):
        program.get()
    assert program.session.user is None
    assert_right(program.scene)


def test_twenty_threads_refresh_once(caller: Begin) -> None:
    program = caller("many_at_once")
    program.sign_in()
    program.advance()

    with ThreadPoolExecutor(20) as pool:
        assert list(pool.map(lambda _: program.get(), range(20))) == [200] * 20
    assert_right(program.scene)


def test_twenty_tasks_and_twenty_threads_refresh_once(scene: Callable[[str], Scene]) -> None:
    found = scene("many_at_once")
    session = RatchetSession(found.base_url)
    session.sign_in(username="alice", password=PASSWORD)
    found.advance()
    url = f"{found.base_url}protected/"

    async def tasks() -> list[int]:
        async with httpx.AsyncClient(auth=RatchetAuth(session)) as client:
            answers = await asyncio.gather(*(client.get(url) for _ in range(20)))
        return [answer.status_code for answer in answers]

    with ThreadPoolExecutor(21) as pool, httpx.Client(auth=RatchetAuth(session)) as client:
        threads = [pool.submit(client.get, url) for _ in range(20)]
        assert asyncio.run(tasks()) == [200] * 20
        assert [thread.result().status_code for thread in threads] == [200] * 20
    assert_right(found)


def test_a_task_that_is_cancelled_leaves_the_refresh_to_the_others(
    scene: Callable[[str], Scene],
) -> None:
    found = scene("many_at_once")
    session = RatchetSession(found.base_url)
    session.sign_in(username="alice", password=PASSWORD)

    async def both() -> str:
        first = asyncio.create_task(session.arefresh())
        second = asyncio.create_task(session.arefresh())
        await asyncio.sleep(0.1)
        first.cancel()
        await second
        return await session.aaccess_token()

    assert asyncio.run(both())
    assert len(found.requests("token/refresh/")) == 1


PROGRAM = """
import sys, time
import httpx
from drf_ratchet_client import RatchetSession, TokenFile
from drf_ratchet_client.httpx import RatchetAuth
session = RatchetSession(sys.argv[1], store=TokenFile(sys.argv[2]), timeout=30)
with httpx.Client(auth=RatchetAuth(session)) as client:
    print(client.get(sys.argv[1] + "protected/").status_code)
"""


def program_of(scene: Scene, file: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PROGRAM, scene.base_url, str(file)]
    environment = {**os.environ, "PYTHONPATH": str(Path(drf_ratchet_client.__file__).parents[1])}
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


def wait_for_refresh(scene: Scene) -> None:
    end = time.monotonic() + 20
    while not scene.requests("token/refresh/"):
        assert time.monotonic() < end
        time.sleep(0.01)


def signed_in_file(scene: Scene, folder: Path) -> Path:
    file = folder / "tokens.json"
    session = RatchetSession(scene.base_url, store=TokenFile(file))
    session.sign_in(username="alice", password=PASSWORD)
    scene.advance()
    return file


def test_processes_that_share_a_file_refresh_once(
    scene: Callable[[str], Scene], tmp_path: Path
) -> None:
    found = scene("many_at_once")
    file = signed_in_file(found, tmp_path)

    programs = [program_of(found, file) for _ in range(4)]

    assert [program.communicate(timeout=30)[0] for program in programs] == ["200\n"] * 4
    assert_right(found)


def test_a_process_that_was_killed_before_it_saved_the_tokens_is_followed_by_the_next(
    scene: Callable[[str], Scene], tmp_path: Path
) -> None:
    found = scene("killed")
    file = signed_in_file(found, tmp_path)
    first = program_of(found, file)
    wait_for_refresh(found)
    os.kill(first.pid, signal.SIGKILL)
    first.communicate()

    assert program_of(found, file).communicate(timeout=30)[0] == "200\n"
    assert_right(found)


@pytest.mark.full
def test_a_stopped_process_that_holds_the_lock_stops_no_other(
    scene: Callable[[str], Scene], tmp_path: Path
) -> None:
    """As after Ctrl+Z in the middle of a refresh; and when it goes on, it spoils nothing."""
    found = scene("killed")
    file = signed_in_file(found, tmp_path)
    first = program_of(found, file)
    wait_for_refresh(found)
    os.kill(first.pid, signal.SIGSTOP)
    session = RatchetSession(found.base_url, store=TokenFile(file), timeout=0.5)
    try:
        start = time.monotonic()
        session.refresh()
        assert time.monotonic() - start < 10
        with pytest.raises(RatchetError, match="has stopped there") as caught:
            session.sign_out()
        assert caught.value.code == "locked"
        session.refresh()
    finally:
        os.kill(first.pid, signal.SIGCONT)
        first.kill()
        first.communicate()
    with httpx.Client(auth=RatchetAuth(session)) as client:
        assert client.get(f"{found.base_url}protected/").status_code == 200
    assert_right(found)


def test_every_scenario_is_tried(faults_address: str) -> None:
    listed = httpx.get(faults_address).json()
    text = Path(__file__).read_text()
    assert [one["scenario"] for one in listed if f'"{one["scenario"]}"' not in text] == []
