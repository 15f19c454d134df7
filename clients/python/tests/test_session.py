"""What the client promises beside the scenarios: files, secrets, origins, clocks, forks."""

import errno
import io
import json
import logging
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
from callers import PASSWORD, Caller, Scene

import drf_ratchet_client
from drf_ratchet_client import (
    Answer,
    Call,
    MemoryStore,
    RatchetError,
    RatchetSession,
    SignedOut,
    StandardSender,
    TokenFile,
    UserChanged,
)
from drf_ratchet_client.httpx import RatchetAuth as HttpxAuth
from drf_ratchet_client.requests import RatchetAuth as RequestsAuth

pytestmark = pytest.mark.any_database

Begin = Callable[[str], Scene]


class FakeClock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.day = 1_700_000_000.0
        self.slept: list[float] = []

    def elapsed(self) -> float:
        return self.now

    def wall(self) -> float:
        return self.day

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def signed_in(scene: Scene, **options: Any) -> RatchetSession:
    session = RatchetSession(scene.base_url, **options)
    session.sign_in(username="alice", password=PASSWORD)
    return session


# Times


def test_a_token_is_refreshed_before_its_end_and_not_earlier(scene: Begin) -> None:
    found, clock = scene("healthy"), FakeClock()
    session = signed_in(found, clock=clock)
    first = session.access_token()
    clock.now += 289
    assert session.access_token() == first
    clock.now += 2
    assert session.access_token() != first


def test_standby_counts(scene: Begin) -> None:
    """Nothing is refused after a night: the clock goes on, and the request is sent once."""
    found, clock = scene("healthy"), FakeClock()
    session = signed_in(found, clock=clock)
    clock.now += 8 * 3600
    found.advance(8 * 3600)

    with httpx.Client(auth=HttpxAuth(session)) as client:
        assert client.get(f"{found.base_url}protected/").status_code == 200
    assert [seen["status"] for seen in found.requests("protected/")] == [200]


def test_a_night_in_standby_is_not_hidden_by_the_system_clock() -> None:
    clock = drf_ratchet_client.session.SystemClock()
    if not hasattr(__import__("time"), "CLOCK_BOOTTIME"):
        pytest.skip("This system has no clock of its own for standby.")
    import time

    assert abs(clock.elapsed() - time.clock_gettime(time.CLOCK_BOOTTIME)) < 5


@pytest.mark.parametrize("days", [400, -400])
def test_a_clock_that_is_set_while_a_file_waits_costs_one_refresh(
    scene: Begin, tmp_path: Path, days: int
) -> None:
    found, clock = scene("healthy"), FakeClock()
    store = TokenFile(tmp_path / "tokens.json")
    signed_in(found, clock=clock, store=store)
    clock.day += days * 86400

    again = RatchetSession(found.base_url, clock=clock, store=store)

    assert again.access_token() == again.access_token()
    assert len(found.requests("token/refresh/")) == 1


def test_a_token_in_a_file_is_used_as_long_as_it_is_good(scene: Begin, tmp_path: Path) -> None:
    found, clock = scene("healthy"), FakeClock()
    store = TokenFile(tmp_path / "tokens.json")
    first = signed_in(found, clock=clock, store=store)
    clock.day += 200

    second = RatchetSession(found.base_url, clock=clock, store=store)

    assert second.access_token() == first.access_token()
    clock.now += 100
    assert second.access_token() != first.access_token()
    assert len(found.requests("token/refresh/")) == 1


def test_tries_are_spread_out_and_have_an_end(scene: Begin) -> None:
    found, clock = scene("healthy"), FakeClock()
    down = Answer(503, {"content-type": "text/html"}, b"<h1>Sorry</h1>")
    session = signed_in(found, clock=clock)
    session._send = lambda call: down
    clock.now += 300

    with pytest.raises(RatchetError, match="503 with an HTML page"):
        session.access_token()

    assert 30 < sum(clock.slept) <= 60
    assert len(clock.slept) < 20
    assert len(set(clock.slept)) == len(clock.slept)
    assert session.user == "alice"


def test_the_wait_for_a_lock_has_an_end(scene: Begin) -> None:
    found, store = scene("healthy"), MemoryStore()
    session = signed_in(found, store=store, timeout=0.2)
    with store.lock(1):
        with pytest.raises(RatchetError, match="has stopped there") as caught:
            session.sign_in(username="alice", password=PASSWORD)
        session.refresh()  # which the server makes safe
    assert (caught.value.code, caught.value.is_transient) == ("locked", True)


def test_an_answer_that_drips_has_an_end(scene: Begin) -> None:
    """Whatever the sender does: a socket's timeout is for each packet."""
    never = threading.Event()

    def drip(call: Call) -> Answer:
        never.wait(60)
        raise AssertionError

    session = RatchetSession(scene("healthy").base_url, send=drip, timeout=0.2)
    with pytest.raises(RatchetError, match=r"within 0\.2 seconds"):
        session.sign_in(username="alice", password=PASSWORD)
    never.set()


# Users


def test_another_process_signs_in_as_somebody_else(scene: Begin, tmp_path: Path) -> None:
    found = scene("healthy")
    store = TokenFile(tmp_path / "tokens.json")
    alices = signed_in(found, store=store)
    RatchetSession(found.base_url, store=store).sign_in(username="bob", password=PASSWORD)
    found.advance()

    with httpx.Client(auth=HttpxAuth(alices)) as client:
        with pytest.raises(UserChanged):
            client.get(f"{found.base_url}whose/alice/")
        assert client.get(f"{found.base_url}whose/bob/").json() == {"user": "bob"}
    assert [one for one in found.verdict()["broken"] if one["must"] == 14] == []


def test_a_service_signs_in_by_itself_and_again_after_the_session_has_ended(scene: Begin) -> None:
    found = scene("session_ended")
    session = RatchetSession(
        found.base_url, credentials=lambda: {"username": "alice", "password": PASSWORD}
    )
    with httpx.Client(auth=HttpxAuth(session)) as client:
        for _ in range(2):
            assert client.get(f"{found.base_url}protected/").status_code == 200
            found.advance()
    assert len(found.requests("token/")) == 2


def test_credentials_that_are_refused_are_not_tried_with_every_request(scene: Begin) -> None:
    found, clock = scene("healthy"), FakeClock()
    session = RatchetSession(
        found.base_url, credentials={"username": "alice", "password": "wrong"}, clock=clock
    )
    for _ in range(5):
        with pytest.raises(RatchetError) as caught:
            session.access_token()
        assert caught.value.code == "no_active_account"
    assert len(found.requests("token/")) == 1
    clock.now += 61
    with pytest.raises(RatchetError):
        session.access_token()
    assert len(found.requests("token/")) == 2


def test_a_refresh_token_from_elsewhere_is_gone_on_with(scene: Begin, tmp_path: Path) -> None:
    found = scene("healthy")
    given = httpx.post(
        f"{found.base_url}token/", json={"username": "alice", "password": PASSWORD}
    ).json()
    session = RatchetSession(found.base_url, store=TokenFile(tmp_path / "tokens.json"))

    with pytest.raises(RatchetError, match="not a refresh token") as caught:
        session.adopt(given["access"])
    assert caught.value.code == "setup"
    session.adopt(given["refresh"])

    assert session.user == "alice"
    assert session.access_token()


def test_two_people_whom_one_process_serves_share_nothing(scene: Begin) -> None:
    found = scene("healthy")
    alices, bobs = RatchetSession(found.base_url), RatchetSession(found.base_url)
    alices.sign_in(username="alice", password=PASSWORD)
    assert bobs.user is None
    bobs.sign_in(username="bob", password=PASSWORD)
    found.advance()

    for session, name in ((alices, "alice"), (bobs, "bob")):
        with httpx.Client(auth=HttpxAuth(session)) as client:
            assert client.get(f"{found.base_url}whose/{name}/").json() == {"user": name}
        answer = requests.get(
            f"{found.base_url}whose/{name}/", auth=RequestsAuth(session), timeout=9
        )
        assert answer.json() == {"user": name}
    assert len(found.requests("token/refresh/")) == 2


def test_being_offline_is_waited_out_and_signs_nobody_out(scene: Begin) -> None:
    found, clock = scene("healthy"), FakeClock()
    session = signed_in(found, clock=clock)
    send, back = StandardSender(), clock.now + 300 + 30

    def offline(call: Call) -> Answer:
        if clock.now < back:
            raise ConnectionRefusedError
        return send(call)

    session._send = offline
    clock.now += 300
    assert session.access_token()
    assert len(found.requests("token/refresh/")) == 1
    back = clock.now + 3600
    clock.now += 300
    with pytest.raises(RatchetError, match="ConnectionRefusedError"):
        session.access_token()
    assert session.user == "alice"


# Files


def test_the_file_is_its_owners_alone(scene: Begin, tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        file = tmp_path / "folder" / "tokens.json"
        session = signed_in(scene("healthy"), store=TokenFile(file))
        session.refresh()
    finally:
        os.umask(old)
    assert {path.name for path in file.parent.iterdir()} == {"tokens.json", "tokens.json.lock"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in file.parent.iterdir()} == {0o600}
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_a_file_that_others_can_read_is_refused(scene: Begin, tmp_path: Path) -> None:
    found, file = scene("healthy"), tmp_path / "tokens.json"
    signed_in(found, store=TokenFile(file))
    file.chmod(0o644)

    with pytest.raises(RatchetError, match="chmod 600") as caught:
        RatchetSession(found.base_url, store=TokenFile(file)).access_token()
    assert caught.value.code == "storage"


@pytest.mark.parametrize("make", [Path.mkdir, lambda path: os.mkfifo(path, 0o600)])
def test_what_is_no_file_is_refused_and_does_not_block(
    scene: Begin, tmp_path: Path, make: Callable[[Path], None]
) -> None:
    file = tmp_path / "tokens.json"
    make(file)
    with pytest.raises(RatchetError, match=r"is not a file|cannot be read"):
        RatchetSession(scene("healthy").base_url, store=TokenFile(file)).access_token()


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"version": 1}', '{"version": 2}', "\ud800", "null", "9" * 9000]
)
def test_a_damaged_file_is_told(scene: Begin, tmp_path: Path, text: str) -> None:
    file = tmp_path / "tokens.json"
    file.write_bytes(text.encode(errors="surrogatepass"))
    file.chmod(0o600)
    session = RatchetSession(scene("healthy").base_url, store=TokenFile(file))
    with pytest.raises(RatchetError, match="damaged") as caught:
        session.access_token()
    assert caught.value.code == "storage"
    session.sign_in(username="alice", password=PASSWORD)
    assert session.access_token()


def test_a_file_of_another_api_is_refused(scene: Begin, tmp_path: Path) -> None:
    file = tmp_path / "tokens.json"
    signed_in(scene("healthy"), store=TokenFile(file))
    with pytest.raises(RatchetError, match="belongs to"):
        RatchetSession(scene("busy").base_url, store=TokenFile(file)).access_token()


def test_a_link_to_the_file_stays_a_link(scene: Begin, tmp_path: Path) -> None:
    (tmp_path / "link.json").symlink_to(tmp_path / "real.json")
    session = signed_in(scene("healthy"), store=TokenFile(tmp_path / "link.json"))
    session.refresh()
    assert (tmp_path / "link.json").is_symlink()
    assert "alice" in (tmp_path / "real.json").read_text()


def test_a_full_disk_costs_no_session(
    scene: Begin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server has turned the session, and the new tokens cannot be stored: the key helps."""
    found, file = scene("healthy"), tmp_path / "tokens.json"
    session = signed_in(found, store=TokenFile(file))
    before = file.read_text()

    def full(number: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(RatchetError, match="No space left") as caught:
            session.refresh()
    assert caught.value.code == "storage"
    assert file.read_text() == before
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []

    session.refresh()
    assert json.loads(file.read_text())["refresh"] != json.loads(before)["refresh"]
    assert len(found.requests("token/refresh/")) == 2


def test_the_new_tokens_are_stored_before_they_are_used(scene: Begin) -> None:
    events: list[str] = []

    class Watched(MemoryStore):
        def save(self, text: str) -> None:
            events.append("saved")
            super().save(text)

    found = scene("healthy")
    session = signed_in(found, store=Watched())
    send = StandardSender()
    session._send = lambda call: (events.append("asked"), send(call))[1]
    key = json.loads(session._store.load() or "")["key"]
    session.refresh()

    assert events == ["saved", "asked", "saved"]
    assert json.loads(session._store.load() or "")["key"] != key


# Origins


@pytest.mark.parametrize(
    ("base_url", "words"),
    [
        ("", "not a complete address"),
        ("/api/", "not a complete address"),
        ("api.example.com/api/", "not a complete address"),
        ("ftp://api.example.com/", "not a complete address"),
        ("https://api.example.com/api/?a=b", "not a complete address"),
        ("https://[::1/api/", "not a complete address"),
        ("https://api.example.com:port/", "not a complete address"),
        ("https://api.example.com\\@evil.example/", "not a complete address"),
        ("https://alice:secret@api.example.com/", "holds a user or a password"),
        ("http://api.example.com/api/", "unencrypted"),
        ("http://127.0.0.1.example.com/api/", "unencrypted"),
        ("http://localhost.example.com/api/", "unencrypted"),
        ("http://192.168.1.5/api/", "unencrypted"),
    ],
)
def test_an_address_that_tokens_cannot_go_to_is_refused(base_url: str, words: str) -> None:
    with pytest.raises(RatchetError, match=words) as caught:
        RatchetSession(base_url)
    assert caught.value.code == "setup"
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "base_url",
    ["http://localhost:8000/api", "http://127.0.0.1/", "http://[::1]:8000/", "https://a.example"],
)
def test_an_address_that_tokens_can_go_to(base_url: str) -> None:
    RatchetSession(base_url)
    RatchetSession("http://api.example.com/", allow_http=True)


FOREIGN = [
    "https://api.example.com.evil.example/",
    "http://api.example.com/",
    "https://api.example.com:8443/",
    "https://api.example.com@evil.example/",
    "https://evil.example/?https://api.example.com/",
]
OWN = ["https://api.example.com/else", "https://API.example.com:443/", "https://u@api.example.com/"]


def keeper() -> RatchetSession:
    """A session whose tokens were never handed out by anybody."""

    def send(call: Call) -> Answer:
        body = {"access": token(sub="alice", iat=0, exp=300), "refresh": token(sub="alice", gen=1)}
        return Answer(200, {}, json.dumps(body).encode())

    session = RatchetSession("https://api.example.com/api/", send=send)
    session.sign_in(username="alice", password=PASSWORD)
    return session


def token(**claims: Any) -> str:
    payload = drf_ratchet_client.answers.base64.urlsafe_b64encode(json.dumps(claims).encode())
    return f"e30.{payload.decode().rstrip('=')}.x"


@pytest.mark.parametrize("url", [*OWN, *FOREIGN])
def test_tokens_go_to_the_apis_origin_alone(url: str) -> None:
    session, sent = keeper(), {}

    def answer(request: httpx.Request) -> httpx.Response:
        sent["httpx"] = request.url.host, "Bearer" in request.headers.get("Authorization", "")
        return httpx.Response(200)

    with httpx.Client(auth=HttpxAuth(session), transport=httpx.MockTransport(answer)) as client:
        try:
            client.get(url)
            assert sent["httpx"][1] == (url in OWN)
        except httpx.InvalidURL:
            assert url in FOREIGN
    prepared = requests.Request("GET", url, auth=RequestsAuth(session)).prepare()
    assert ("Bearer" in prepared.headers.get("Authorization", "")) == (url in OWN)


@pytest.mark.parametrize(
    "url", ["https://evil.example\\@api.example.com/", "https:/\\evil.example/"]
)
def test_an_address_that_is_read_in_two_ways_gets_a_token_only_where_it_is_sent(url: str) -> None:
    try:
        prepared = requests.Request("GET", url, auth=RequestsAuth(keeper())).prepare()
    except requests.exceptions.RequestException:
        return
    target = requests.adapters.urlparse(prepared.url)
    is_ours = (target.scheme, target.hostname, target.port) == ("https", "api.example.com", None)
    assert ("Bearer" in prepared.headers.get("Authorization", "")) == is_ours


def test_an_authorization_of_ones_own_is_left_alone(scene: Begin) -> None:
    found = scene("healthy")
    session, url = signed_in(found), f"{found.base_url}protected/"
    own = {"Authorization": "Bearer mine"}
    with httpx.Client(auth=HttpxAuth(session)) as client:
        assert client.get(url, headers=own).status_code == 401
    assert requests.get(url, headers=own, auth=RequestsAuth(session), timeout=9).status_code == 401
    assert found.requests("token/refresh/") == []


# Bodies


def pieces() -> Iterator[bytes]:
    yield b"one"
    yield b"two"


async def apieces() -> Any:
    for piece in pieces():
        yield piece


def test_a_body_that_can_be_sent_twice_is(caller: Callable[..., Caller]) -> None:
    program = caller("refused_early")
    program.sign_in()
    assert program.send("POST", "protected/", b"a body") == 200


def test_a_stream_is_not_sent_twice_and_the_next_request_has_a_new_token(
    caller: Callable[..., Caller],
) -> None:
    program = caller("refused_early")
    program.sign_in()
    stream = apieces() if "Async" in type(program).__name__ else pieces()

    with pytest.raises(RatchetError, match="cannot be sent twice") as caught:
        program.send("POST", "protected/", stream)

    assert caught.value.code == "not_repeated"
    assert program.get() == 200
    assert len(program.scene.requests("token/refresh/")) == 1


def test_requests_reads_a_file_again_from_where_it_was(scene: Begin) -> None:
    found = scene("refused_early")
    file = io.BytesIO(b"0123456789")
    file.seek(3)
    url, auth = f"{found.base_url}protected/", RequestsAuth(signed_in(found))
    answer = requests.post(url, data=file, auth=auth, timeout=9)
    assert (answer.status_code, len(answer.history)) == (200, 1)
    assert answer.request.headers["Content-Length"] == "7"


# Secrets


def test_no_secret_is_in_what_people_see(
    scene: Begin, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    shown: list[str] = []
    secrets: set[str] = {PASSWORD, "wrong-password"}
    for name in ("bad_gateway", "html_200", "session_ended", "refresh_redirected", "cut_off"):
        found = scene(name)
        store = TokenFile(tmp_path / f"{name}.json")
        session = RatchetSession(found.base_url, store=store, patience=1)
        with pytest.raises(RatchetError) as wrong:
            session.sign_in(username="alice", password="wrong-password")
        shown.append(repr(wrong.value))
        session.sign_in(username="alice", password=PASSWORD)
        stored = json.loads(store.load() or "")
        secrets |= {stored["refresh"], stored["access"], stored["key"]}
        shown += [repr(session), repr(session.grant()), repr(session._held), repr(vars(session))]
        shown += [repr(HttpxAuth(session)), repr(RequestsAuth(session)), repr(store)]
        try:
            session.refresh()
        except RatchetError as error:
            shown += [repr(error), str(error), repr(error.__cause__), repr(error.__context__)]
    text = "\n".join([*shown, caplog.text])
    assert [secret for secret in secrets if secret in text] == []
    assert "Trying again" in caplog.text


def test_a_proxys_password_is_in_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://proxy-user:proxy-secret@127.0.0.1:9")
    session = RatchetSession("http://api.example.invalid/", allow_http=True)
    with pytest.raises(RatchetError, match="ConnectionRefusedError") as caught:
        session.sign_in(username="alice", password=PASSWORD)
    assert "proxy-secret" not in repr(caught.value)


# What servers and proxies send


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"\xff\xfe",
        b'{"access": 1, "refresh": 2}',
        b'{"access": "x.y.z", "refresh": "x.y.z"}',
        b'{"access": "e30.e30.x", "refresh": "e30.e30.x"}',
        b"[" * 100_000,
        json.dumps({"access": token(sub=1, iat=0, exp=9), "refresh": token()}).encode(),
        json.dumps({"access": token(sub="a", iat=9, exp=9), "refresh": token()}).encode(),
        json.dumps({"access": token(sub="a", iat="0", exp=9e999), "refresh": token()}).encode(),
        json.dumps({"access": token(sub="a", iat=0, exp=9) + "\r\nX: y", "refresh": "-"}).encode(),
        json.dumps({"access": token(sub="a", iat=0, exp=9), "refresh": ["x"]}).encode(),
    ],
)
def test_an_answer_that_is_none_of_the_servers(body: bytes) -> None:
    session = RatchetSession("https://api.example.com/", send=lambda call: Answer(200, {}, body))
    with pytest.raises(RatchetError) as caught:
        session.sign_in(username="alice", password=PASSWORD)
    assert caught.value.code == "bad_answer"
    assert session.user is None


# Processes

FORK = """
import os, sys
from drf_ratchet_client import RatchetError, RatchetSession, TokenFile
store = TokenFile(sys.argv[2]) if len(sys.argv) > 2 else None
session = RatchetSession(sys.argv[1], store=store)
session.sign_in(username="alice", password="ratchet-demo-1")
if os.fork() == 0:
    try:
        session.refresh()
        print("refreshed", flush=True)
    except RatchetError as error:
        print(error.code, flush=True)
    os._exit(0)
os.wait()
session.refresh()
"""


@pytest.mark.parametrize(("is_shared", "said"), [(False, "setup"), (True, "refreshed")])
def test_a_fork_does_not_use_its_parents_token(
    scene: Begin, tmp_path: Path, is_shared: bool, said: str
) -> None:
    found = scene("healthy")
    file = [str(tmp_path / "tokens.json")] if is_shared else []
    environment = {**os.environ, "PYTHONPATH": str(Path(drf_ratchet_client.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", FORK, found.base_url, *file],
        capture_output=True,
        text=True,
        env=environment,
        timeout=30,
        check=False,
    )
    assert (done.stdout, done.stderr) == (f"{said}\n", "")
    assert len(found.requests("token/refresh/")) == 1, "the parent takes what the child has stored"


@pytest.mark.starts
def test_it_needs_neither_httpx_nor_requests() -> None:
    source = Path(drf_ratchet_client.__file__).parents[1]
    program = (
        "import sys; sys.modules.update(httpx=None, requests=None); "
        f"sys.path.insert(0, {str(source)!r}); import drf_ratchet_client; print('imported')"
    )
    command = [sys.executable, "-I", "-c", program]
    assert subprocess.run(command, capture_output=True, check=True).stdout == b"imported\n"


def test_nobody_is_signed_in(scene: Begin) -> None:
    session = RatchetSession(scene("healthy").base_url)
    assert session.user is None
    session.sign_out()
    session.sign_out(everywhere=True)
    with pytest.raises(SignedOut, match="Call sign_in"):
        session.access_token()
