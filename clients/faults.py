"""A server of scripted faults, to try any client of drf-ratchet with. Nothing to install.

    python clients/faults.py --port 8900

It listens on this machine alone. Each scenario is an API of its own, with the users ``alice`` and
``bob`` and the password ``ratchet-demo-1``:

    /<scenario>/api/      token/, token/refresh/, logout/, logout/all/, protected/, whose/<name>/
    /<scenario>/reset     POST: begin again, with a copy of the scenario that nobody has used
    /<scenario>/advance   POST {"seconds": 300}: let the server's time go on
    /<scenario>/verdict   GET: {"ok", "broken": [{"must", "what"}], "requests"}
    /                     GET: all scenarios: what to do, and what is right

There is no grace period: a used refresh token without its key ends the session. What each number
of a MUST says: docs/howto/own-client.md.
"""

import argparse
import base64
import hashlib
import hmac
import json
import re
import secrets
import select
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from typing import Any

PASSWORD = "ratchet-demo-1"
USERS = ("alice", "bob")
SIGN_IN, REFRESH, LOGOUT, PROTECTED = "token/", "token/refresh/", "logout/", "protected/"
DAY = 86400.0
#: How long an answer that never comes is withheld, in seconds.
LONGEST = 180.0


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one request.

    Args:
        does: whether the server does what was asked, and only its answer suffers.
        status: of the answer in place of the server's; 0 for the server's own.
        body: of that answer.
        kind: its Content-Type.
        headers: further ones.
        lost: the connection breaks instead of an answer.
        cut: it breaks in the middle of the answer.
        held: no answer ever comes.
        delay: seconds before the answer.
        redirects: the answer leads to another origin.
    """

    does: bool = True
    status: int = 0
    body: str = ""
    kind: str = "text/html"
    headers: Mapping[str, str] = field(default_factory=dict)
    lost: bool = False
    cut: bool = False
    held: bool = False
    delay: float = 0.0
    redirects: int = 0


@dataclass
class Seen:
    """A request that has come, and what became of it."""

    path: str
    at: float
    user: str = ""
    token: str = ""
    key: str = ""
    status: int = 0
    ended: float = 0.0
    is_lost: bool = False


@dataclass(frozen=True)
class Scenario:
    """A story.

    Args:
        musts: the numbers of what it tries.
        do: what the client's test does; ``base_url`` is the scenario's.
        right: what the caller sees.
        faults: for each path, what happens to its first requests, one after the other.
        judge: yields what was wrong, at the end.
        skew: how far the server's clock is ahead of this machine's, in seconds.
        rotates: whether a refresh gives a new refresh token.
        refuses: how many of the first access tokens no resource takes.
    """

    musts: tuple[int, ...]
    do: str
    right: str
    faults: Mapping[str, tuple[Fault, ...]] = field(default_factory=dict)
    judge: Callable[["Run"], Iterator[str]] | None = None
    skew: float = 0.0
    rotates: bool = True
    refuses: int = 0


class Run:
    """One use of a scenario: its sessions, its time, and what it has seen."""

    def __init__(self, name: str, scenario: Scenario) -> None:
        self.name = name
        self.scenario = scenario
        self.lock = threading.RLock()
        self.secret = secrets.token_bytes(32)
        self.advanced = 0.0
        self.sessions: dict[str, dict[str, Any]] = {}
        self.faults = {path: list(faults) for path, faults in scenario.faults.items()}
        self.seen: list[Seen] = []
        self.broken: list[tuple[int, str]] = []
        self.keys: dict[str, str] = {}
        self.minted = 0

    def now(self) -> float:
        """The server's time."""
        return time.time() + self.scenario.skew + self.advanced

    def requests(self, path: str, status: int | None = None) -> list[Seen]:
        """What has come there, and was answered so."""
        return [s for s in self.seen if s.path == path and status in (None, s.status)]

    def breaks(self, must: int, what: str) -> None:
        """Write down that the client does not do what it must."""
        with self.lock:
            if (must, what) not in self.broken:
                self.broken.append((must, what))

    def verdict(self) -> dict[str, Any]:
        """What the client has done wrong."""
        with self.lock:
            judge = self.scenario.judge
            late = [(self.scenario.musts[0], what) for what in judge(self)] if judge else []
            broken = self.broken + late
            return {
                "scenario": self.name,
                "ok": not broken,
                "broken": [{"must": must, "what": what} for must, what in broken],
                "requests": [
                    {"path": s.path, "user": s.user, "status": s.status, "at": round(s.at, 3)}
                    for s in self.seen
                ],
            }

    # Tokens

    def sign(self, kind: str, **claims: Any) -> str:
        """A token, as the server's are, with HMAC."""
        head = _encoded({"alg": "HS256", "typ": f"{kind}+jwt"})
        body = f"{head}.{_encoded(claims)}"
        return f"{body}.{_base64(hmac.digest(self.secret, body.encode(), hashlib.sha256))}"

    def read(self, token: object) -> dict[str, Any]:
        """What a token says; {} for what was not signed here."""
        if not isinstance(token, str) or token.count(".") != 2:
            return {}
        body, _, signature = token.rpartition(".")
        right = _base64(hmac.digest(self.secret, body.encode(), hashlib.sha256))
        if not hmac.compare_digest(right.encode(), signature.encode()):
            return {}
        payload = body.split(".")[1]
        found: dict[str, Any] = json.loads(
            base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
        )
        return found

    def pair(self, sid: str, *, with_refresh: bool = True) -> dict[str, str]:
        """An access token, and the session's current refresh token."""
        session, now = self.sessions[sid], int(self.now())
        common = {"sub": session["user"], "sid": sid, "iat": now}
        self.minted += 1
        access = self.sign("at", **common, exp=now + 300, jti=self.minted, token_type="access")
        refresh = self.sign(
            "rt",
            **common | {"iat": session["turned"]},
            exp=session["turned"] + 7 * 86400,
            gen=session["generation"],
            token_type="refresh",
        )
        return {"access": access, "refresh": refresh} if with_refresh else {"access": access}

    # Endpoints: each returns a status, a body and headers

    def sign_in(self, seen: Seen, body: dict[str, Any]) -> "Reply":
        """POST token/."""
        if not all(isinstance(body.get(name), str) for name in ("username", "password")):
            return 400, {"username": ["This field is required."]}, {}
        if body["username"] not in USERS or body["password"] != PASSWORD:
            detail = "No active account was found with these credentials."
            return _refusal(401, "no_active_account", detail, challenge="Bearer")
        sid = secrets.token_hex(8)
        self.sessions[sid] = {
            "user": body["username"],
            "generation": 1,
            "key": "",
            "ended": False,
            "turned": int(self.now()),
        }
        seen.user = body["username"]
        return 200, self.pair(sid), {}

    def refresh(self, seen: Seen, body: dict[str, Any]) -> "Reply":
        """POST token/refresh/."""
        token = body.get("refresh")
        if not isinstance(token, str):
            return 400, {"refresh": ["This field is required."]}, {}
        self._look_at_refresh(seen, token)
        claims = self.read(token)
        session = self.sessions.get(claims.get("sid", ""))
        if session is None or "gen" not in claims:
            return _token_refused("bad_signature")
        seen.user = session["user"]
        if session["ended"]:
            return _token_refused("session_ended")
        if not self.scenario.rotates:
            return 200, self.pair(claims["sid"], with_refresh=False), {}
        if claims["gen"] == session["generation"]:
            session |= {
                "generation": claims["gen"] + 1,
                "key": seen.key,
                "turned": int(self.now()),
            }
        elif claims["gen"] != session["generation"] - 1 or not (
            seen.key and seen.key == session["key"]
        ):
            session["ended"] = True
            self.breaks(3, "A used refresh token came again, not as a retry: the session is over.")
            return _token_refused("reused")
        return 200, self.pair(claims["sid"]), {}

    def _look_at_refresh(self, seen: Seen, token: str) -> None:
        seen.token = token
        if not re.fullmatch(r"[!-~]{1,128}", seen.key):
            self.breaks(1, "A refresh came without an Idempotency-Key of visible ASCII.")
            return
        others = [known for known, key in self.keys.items() if key == seen.key and known != token]
        if others:
            self.breaks(1, "One Idempotency-Key came with two refresh tokens.")
        if self.keys.setdefault(token, seen.key) != seen.key:
            self.breaks(1, "Two Idempotency-Keys came with one refresh token.")
        others_of = [s for s in self.seen if s.path == REFRESH and s is not seen]
        if any(not s.ended and not s.is_lost for s in others_of):
            self.breaks(2, "Two refreshes were under way at the same time.")

    def logout(self, seen: Seen, body: dict[str, Any], bearer: str) -> "Reply":
        """POST logout/ and logout/all/."""
        sid = self.read(body.get("refresh")).get("sid") or self.read(bearer).get("sid", "")
        if sid not in self.sessions:
            return _token_refused("malformed")
        seen.user = self.sessions[sid]["user"]
        seen.token = str(body.get("refresh", ""))
        for session in self.sessions.values():
            if session is self.sessions[sid] or seen.path == "logout/all/":
                session["ended"] |= session["user"] == seen.user
        return 200, {"detail": "Logout successful."}, {}

    def resource(self, seen: Seen, bearer: str) -> "Reply":
        """GET protected/ and whose/<name>/, or any other method."""
        claims = self.read(bearer)
        seen.user = claims.get("sub", "")
        if not bearer:
            return _refusal(401, "not_authenticated", "No credentials.", challenge="Bearer")
        if claims.get("token_type") != "access":
            return _token_refused("malformed")
        if claims["exp"] <= self.now() or claims["jti"] <= self.scenario.refuses:
            return _token_refused("expired")
        if self.sessions[claims["sid"]]["ended"]:
            return _token_refused("session_ended")
        whose = re.fullmatch(r"whose/(\w+)/", seen.path)
        if whose and whose[1] != seen.user:
            self.breaks(14, f"What was called as {whose[1]} was sent as {seen.user}.")
        return 200, {"user": seen.user}, {}


Reply = tuple[int, dict[str, Any], dict[str, str]]


def _refusal(status: int, code: str, detail: str, *, challenge: str = "", **more: Any) -> Reply:
    headers = {"WWW-Authenticate": f'{challenge} realm="api"'} if challenge else {}
    return status, {"detail": detail, "code": code, **more}, headers


def _token_refused(reason: str) -> Reply:
    status, body, _ = _refusal(401, "token_not_valid", "The token is not valid.", reason=reason)
    return status, body, {"WWW-Authenticate": 'Bearer realm="api", error="invalid_token"'}


def _encoded(value: Any) -> str:
    return _base64(json.dumps(value).encode())


def _base64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


# The scenarios

SORRY = "<!DOCTYPE html><title>Sorry</title><h1>Sorry</h1>"
AGAIN = "Sign in as alice. POST advance 300 seconds. GET protected/."


def _works(run: Run) -> Iterator[str]:
    if not run.requests(PROTECTED, 200):
        yield "GET protected/ has never succeeded."
    if any(session["ended"] for session in run.sessions.values()):
        yield "The session is over."


def _works_with_one_refresh(run: Run) -> Iterator[str]:
    yield from _works(run)
    if len(run.requests(REFRESH)) != 1:
        yield f"There were {len(run.requests(REFRESH))} refreshes, and not one."


def _works_at_the_second_try(run: Run) -> Iterator[str]:
    yield from _works(run)
    if len(run.requests(REFRESH)) < 2:
        yield "The refresh was not tried again."


def _works_twice(run: Run) -> Iterator[str]:
    yield from _works(run)
    if len(run.requests(PROTECTED, 200)) < 2:
        yield "GET protected/ has not succeeded twice."


def _never_refreshes(run: Run) -> Iterator[str]:
    yield from _works(run)
    if run.requests(REFRESH):
        yield "A token that is good for five minutes was refreshed at once."


def _waits_a_second(run: Run) -> Iterator[str]:
    yield from _works_at_the_second_try(run)
    tries = [seen.at for seen in run.requests(REFRESH)]
    if any(later - earlier < 0.95 for earlier, later in pairwise(tries)):
        yield "Retry-After was one second, and the next try came earlier."


def _gives_up(run: Run) -> Iterator[str]:
    if len(run.requests(REFRESH)) != 1:
        yield f"There were {len(run.requests(REFRESH))} refreshes within the hour, and not one."


def _hangs_up(run: Run) -> Iterator[str]:
    tries = run.requests(REFRESH)
    if not tries:
        yield "There was no refresh."
    if any((seen.ended or time.monotonic()) - seen.at > 120 for seen in tries):
        yield "The client has waited for an answer for more than two minutes."


def _repeats_once(run: Run) -> Iterator[str]:
    sent, refreshes = len(run.requests(PROTECTED)), len(run.requests(REFRESH))
    if sent != 2 or refreshes != 1:
        yield f"The request was sent {sent} times with {refreshes} refreshes, not twice with one."


def _leaves_it(run: Run) -> Iterator[str]:
    if len(run.requests(PROTECTED, 401)) != 1 or run.requests(REFRESH):
        yield "A 401 without error=invalid_token is the caller's matter: no refresh, no repetition."


def _asks_no_more(run: Run) -> Iterator[str]:
    if len(run.requests(REFRESH)) != 1:
        yield f"There were {len(run.requests(REFRESH))} refreshes, and not one."
    end = max((seen.at for seen in run.requests(REFRESH)), default=0.0)
    if any(seen.at > end for seen in run.requests(PROTECTED)):
        yield "After the session's end a token was used again."


def _stays_home(run: Run) -> Iterator[str]:
    paths = [path for path in run.scenario.faults if len(run.requests(path)) != 1]
    if paths:
        yield f"{paths[0]} was asked {len(run.requests(paths[0]))} times, and not once."


def _has_signed_out(run: Run) -> Iterator[str]:
    if not run.requests(LOGOUT, 200):
        yield "The session was not ended with POST logout/."
    elif any(s.at > run.requests(LOGOUT)[-1].at for s in run.seen):
        yield "After the sign-out the tokens were used again."


def _was_two(run: Run) -> Iterator[str]:
    if {seen.user for seen in run.requests(SIGN_IN, 200)} != set(USERS):
        yield "alice and bob have not both signed in."


LOST = Fault(lost=True)
JSON = "application/json"

SCENARIOS: dict[str, Scenario] = {
    "healthy": Scenario((3,), AGAIN, "200.", judge=_works_with_one_refresh),
    "many_at_once": Scenario(
        (2,),
        "Sign in as alice. POST advance 300 seconds. GET protected/ twenty times at once, from "
        "threads, tasks, and processes if they share tokens.",
        "200 for each, and one refresh.",
        {REFRESH: (Fault(delay=0.3),)},
        _works_with_one_refresh,
    ),
    "lost_answer": Scenario((3,), AGAIN, "200.", {REFRESH: (LOST,)}, _works_at_the_second_try),
    "lost_twice": Scenario(
        (3,),
        AGAIN,
        "200.",
        {REFRESH: (LOST, Fault(does=False, lost=True))},
        _works_at_the_second_try,
    ),
    "cut_off": Scenario(
        (3,), AGAIN, "200.", {REFRESH: (Fault(cut=True),)}, _works_at_the_second_try
    ),
    "killed": Scenario(
        (4,),
        "Sign in as alice. POST advance 300 seconds. GET protected/, and kill the client while it "
        "waits: the answer to its refresh does not come. Start it again. GET protected/.",
        "200, and nobody has to sign in.",
        {REFRESH: (Fault(held=True),)},
        _works_at_the_second_try,
    ),
    "server_behind": Scenario(
        (5,),
        "Sign in as alice. GET protected/ ten times. The server's clock is 400 days slow.",
        "200, and no refresh.",
        judge=_never_refreshes,
        skew=-400 * DAY,
    ),
    "server_ahead": Scenario(
        (5,),
        "Sign in as alice. GET protected/ ten times. The server's clock is 400 days fast.",
        "200, and no refresh.",
        judge=_never_refreshes,
        skew=400 * DAY,
    ),
    "refused_early": Scenario(
        (6,),
        "Sign in as alice. GET protected/. The server refuses the first access token.",
        "200.",
        judge=_works_with_one_refresh,
        refuses=1,
    ),
    "refused_always": Scenario(
        (6,),
        "Sign in as alice. GET protected/. The server refuses every access token.",
        "The second 401, or an error.",
        judge=_repeats_once,
        refuses=1000,
    ),
    "step_up_wanted": Scenario(
        (7,),
        "Sign in as alice. GET protected/. It wants a more recent sign-in.",
        "The 401 as it is.",
        {
            PROTECTED: (
                Fault(
                    status=401,
                    kind=JSON,
                    body='{"detail": "Prove again who you are.", "code": '
                    '"reauthentication_required"}',
                    headers={
                        "WWW-Authenticate": 'Bearer realm="api", '
                        'error="insufficient_user_authentication", max_age=60'
                    },
                ),
            )
        },
        _leaves_it,
    ),
    "html_401": Scenario(
        (8,),
        AGAIN + " A proxy answers the refresh with its own 401. GET protected/ again.",
        "An error that is no sign-out, then 200.",
        {
            REFRESH: (
                Fault(status=401, body=SORRY, headers={"WWW-Authenticate": "Basic realm=proxy"}),
            )
        },
        _works_at_the_second_try,
    ),
    "json_401": Scenario(
        (8,),
        AGAIN + " A gateway answers the refresh with its own 401. GET protected/ again.",
        "An error that is no sign-out, then 200.",
        {REFRESH: (Fault(status=401, kind=JSON, body='{"message": "Unauthorized"}'),)},
        _works_at_the_second_try,
    ),
    "session_ended": Scenario(
        (9,),
        AGAIN + " The session has ended. GET protected/ again.",
        "Twice an error: nobody is signed in. The second asks the server nothing.",
        {
            REFRESH: (
                Fault(
                    does=False,
                    status=401,
                    kind=JSON,
                    body='{"detail": "This session has ended. Sign in again.", '
                    '"code": "token_not_valid", "reason": "session_ended"}',
                    headers={"WWW-Authenticate": 'Bearer realm="api", error="invalid_token"'},
                ),
            )
        },
        _asks_no_more,
    ),
    "busy": Scenario(
        (10,),
        AGAIN,
        "200, after a second.",
        {
            REFRESH: (
                Fault(
                    does=False,
                    status=503,
                    kind=JSON,
                    body='{"detail": "The server is busy.", "code": "busy"}',
                    headers={"Retry-After": "1"},
                ),
            )
        },
        _waits_a_second,
    ),
    "throttled": Scenario(
        (10,),
        AGAIN,
        "200, after a second.",
        {
            REFRESH: (
                Fault(
                    does=False,
                    status=429,
                    kind=JSON,
                    body='{"detail": "Request was throttled.", "code": "throttled"}',
                    headers={"Retry-After": "1"},
                ),
            )
        },
        _waits_a_second,
    ),
    "bad_gateway": Scenario(
        (10,),
        AGAIN + " A proxy loses two answers.",
        "200.",
        {REFRESH: (Fault(status=502, body=SORRY), Fault(status=504, body=SORRY))},
        _works_at_the_second_try,
    ),
    "retry_after_hour": Scenario(
        (10,),
        AGAIN,
        "An error within two minutes, and no sign-out.",
        {
            REFRESH: (
                Fault(
                    does=False,
                    status=429,
                    kind=JSON,
                    body='{"detail": "Request was throttled.", "code": "throttled"}',
                    headers={"Retry-After": "3600"},
                ),
            )
        },
        _gives_up,
    ),
    "silent": Scenario(
        (11,),
        AGAIN + " No answer to a refresh ever comes.",
        "An error within two minutes, and no sign-out.",
        {REFRESH: tuple(Fault(held=True) for _ in range(100))},
        _hangs_up,
    ),
    "refresh_redirected": Scenario(
        (12,),
        AGAIN,
        "An error that says where the redirect leads, at once.",
        {REFRESH: tuple(Fault(does=False, redirects=308) for _ in range(100))},
        _stays_home,
    ),
    "sign_in_redirected": Scenario(
        (12,),
        "Sign in as alice.",
        "An error that says where the redirect leads, at once.",
        {SIGN_IN: tuple(Fault(does=False, redirects=308) for _ in range(100))},
        _stays_home,
    ),
    "resource_redirected": Scenario(
        (13,),
        "Sign in as alice. GET protected/, and follow its redirect to another origin if the client "
        "follows any.",
        "Whatever the other origin says; it gets no token.",
        {PROTECTED: (Fault(does=False, redirects=307),)},
        _stays_home,
    ),
    "two_users": Scenario(
        (14,),
        "Sign in as alice. POST advance 300 seconds. GET whose/alice/, and while that waits for "
        "its refresh (a second) sign in as bob.",
        "alice's answer, or an error: another user has signed in.",
        {REFRESH: (Fault(delay=1.0),)},
        _was_two,
    ),
    "not_rotating": Scenario(
        (15,),
        AGAIN + " POST advance 300 seconds. GET protected/. A refresh answers with an access "
        "token alone.",
        "200, twice.",
        judge=_works_twice,
        rotates=False,
    ),
    "signed_out": Scenario(
        (16,),
        "Sign in as alice. Sign out. GET protected/.",
        "An error: nobody is signed in. Nothing is sent.",
        judge=_has_signed_out,
    ),
    "sign_out_lost": Scenario(
        (16,),
        "Sign in as alice. Sign out: the server is busy the first time. Sign out again if that was "
        "an error.",
        "Signed out.",
        {LOGOUT: (Fault(does=False, status=503, body=SORRY),)},
        _has_signed_out,
    ),
    "html_200": Scenario(
        (17,),
        AGAIN + " A captive portal answers the refresh. GET protected/ again.",
        "An error that is no sign-out, then 200.",
        {REFRESH: (Fault(status=200, body=SORRY),)},
        _works_at_the_second_try,
    ),
}


# The servers


class Handler(BaseHTTPRequestHandler):
    """The API of every scenario, and what a test asks about it."""

    protocol_version = "HTTP/1.1"
    # Without it the two writes of an answer wait for each other's acknowledgement.
    disable_nagle_algorithm = True
    server: "Faults"

    def do_POST(self) -> None:
        self._answer()

    do_GET = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_POST

    def _answer(self) -> None:
        body = self._body()
        parts = self.path.partition("?")[0].lstrip("/").split("/", 2)
        name, room, path = [*parts, "", ""][:3]
        if not name:
            self._reply(200, self.server.listed())
        elif name not in SCENARIOS:
            self._reply(404, {"detail": "There is no such scenario.", "code": "not_found"})
        elif room == "api":
            self._api(self.server.run_of(name), path, body)
        else:
            self._control(name, room, body)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass  # trailers
        return body

    def _control(self, name: str, room: str, body: bytes) -> None:
        run = self.server.run_of(name)
        if room == "reset":
            run = self.server.reset(name)
        elif room == "advance":
            seconds = _object(body).get("seconds")
            run.advanced += seconds if isinstance(seconds, int | float) else 0
        elif room != "verdict":
            self._reply(404, {"detail": "Not found.", "code": "not_found"})
            return
        self._reply(200, run.verdict())

    def _api(self, run: Run, path: str, body: bytes) -> None:
        bearer = self.headers.get("Authorization", "").removeprefix("Bearer ")
        key = self.headers.get("Idempotency-Key", "")
        seen = Seen(path, time.monotonic(), key=key)
        with run.lock:
            run.seen.append(seen)
            faults = run.faults.get(path)
            fault = faults.pop(0) if faults else Fault()
            seen.is_lost = fault.lost or fault.held
            if re.search(r"(access|refresh|token)=", self.path) or "eyJ" in self.path:
                run.breaks(13, "A token came in an address.")
            reply = self._done(run, seen, _object(body), bearer) if fault.does else (503, {}, {})
            if path == REFRESH and not fault.does:
                run._look_at_refresh(seen, str(_object(body).get("refresh", "")))
        seen.status = fault.status or fault.redirects or reply[0]
        if seen.is_lost:
            seen.status = 0
        try:
            self._suffer(run, fault, reply)
        finally:
            seen.ended = time.monotonic()

    def _done(self, run: Run, seen: Seen, body: dict[str, Any], bearer: str) -> Reply:
        if seen.path == SIGN_IN:
            return run.sign_in(seen, body)
        if seen.path == REFRESH:
            return run.refresh(seen, body)
        if seen.path in (LOGOUT, "logout/all/"):
            return run.logout(seen, body, bearer)
        return run.resource(seen, bearer)

    def _suffer(self, run: Run, fault: Fault, reply: Reply) -> None:
        if fault.held:
            self._wait_for_hangup()
        time.sleep(fault.delay)
        if fault.lost or fault.held:
            self._break()
        elif fault.cut:
            whole = json.dumps(reply[1])
            self._write(reply[0], whole[: len(whole) // 2], JSON, {}, length=len(whole))
            self._break()
        elif fault.redirects:
            target = f"http://127.0.0.1:{self.server.elsewhere}/{run.name}/?from={fault.redirects}"
            self._write(fault.redirects, "", "text/html", {"Location": target})
        elif fault.status:
            self._write(fault.status, fault.body, fault.kind, fault.headers)
        else:
            self._reply(*reply)

    def _wait_for_hangup(self) -> None:
        end = time.monotonic() + LONGEST
        while time.monotonic() < end and not self.server.is_closing:
            readable, _, _ = select.select([self.connection], [], [], 0.1)
            try:
                if readable and not self.connection.recv(1, socket.MSG_PEEK):
                    return
            except OSError:
                return

    def _break(self) -> None:
        self.wfile.flush()
        # Reset, and not closed: no client takes that for the end of an answer.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def _reply(self, status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
        self._write(status, json.dumps(body), JSON, headers or {})

    def _write(
        self, status: int, body: str, kind: str, headers: Mapping[str, str], length: int = -1
    ) -> None:
        content = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content) if length < 0 else length))
        self.send_header("Cache-Control", "no-store")
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *given: object) -> None:
        """Say nothing: a token may be in the address."""

    def finish(self) -> None:
        try:
            super().finish()
        except OSError:  # the connection that was broken on purpose
            return


class ElsewhereHandler(Handler):
    """Another origin, which must get no token and no password."""

    def _answer(self) -> None:
        body = self._body()
        name = self.path.lstrip("/").partition("/")[0]
        if name in SCENARIOS:
            run = self.server.main.run_of(name)
            if "Authorization" in self.headers:
                run.breaks(13, "An access token went to another origin.")
            if {"refresh", "password"} & set(_object(body)):
                run.breaks(12, "A refresh token or a password went to another origin.")
        self._reply(200, {"user": "nobody", "access": "x.y.z", "refresh": "x.y.z"})


class Faults(ThreadingHTTPServer):
    """The scenarios, and the other origin. ``with Faults() as server:`` serves both."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, port: int = 0, *, main: "Faults | None" = None) -> None:
        super().__init__(("127.0.0.1", port), Handler if main is None else ElsewhereHandler)
        self.main = main or self
        self.runs: dict[str, Run] = {}
        self.runs_lock = threading.Lock()
        self.is_closing = False
        self.elsewhere = 0

    @property
    def address(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_port}"

    def run_of(self, name: str) -> Run:
        """The present use of a scenario."""
        with self.runs_lock:
            return self.runs.setdefault(name, Run(name, SCENARIOS[name]))

    def reset(self, name: str) -> Run:
        """A new use of a scenario."""
        with self.runs_lock:
            self.runs[name] = Run(name, SCENARIOS[name])
            return self.runs[name]

    def listed(self) -> list[dict[str, Any]]:
        """What there is."""
        return [
            {
                "scenario": name,
                "base_url": f"{self.address}/{name}/api/",
                "musts": list(scenario.musts),
                "do": scenario.do,
                "right": scenario.right,
            }
            for name, scenario in SCENARIOS.items()
        ]

    def __enter__(self) -> "Faults":
        other = Faults(main=self)
        self._other = other
        self.elsewhere = other.server_port
        for server in (self, other):
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *given: object) -> None:
        self.is_closing = True
        for server in (self, self._other):
            server.shutdown()
            server.server_close()

    def handle_error(self, *given: object) -> None:
        """Say nothing of connections that clients have broken."""


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def main() -> None:
    """Serve until it is interrupted."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--port", type=int, default=8900)
    with Faults(parser.parse_args().port) as server:
        for each in server.listed():
            print(f"{each['base_url']}  {each['do']}")
        print(f"Listening on {server.address}", flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
