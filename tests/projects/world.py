"""What the steps of the story work with: users, their devices, and the answers they get."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from itertools import count
from threading import Barrier
from typing import Any, TypeVar

import httpx
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import connections
from django.db.models import F
from django.utils.module_loading import import_string

from drf_ratchet.conf import ratchet_settings
from tests.projects import views
from tests.projects.client import ASGITransport, WSGITransport
from tests.projects.recorder import Recorder
from tests.projects.shape import OWN, Shape

PASSWORD = "ratchet-demo-1"

#: Statements of a request, by what it asks for; by freshness where that makes a difference.
COSTS: dict[str, Any] = {
    "sign in": 3,
    "refresh": 2,
    "repeat": 1,
    "protected": {"immediate": 1, "bounded": 0, "expiry": 0},
    "me": 1,
    "devices": 2,
}

Case = TypeVar("Case")
Step = Callable[["World"], None]
#: Every step by its name, in the order of the story.
STEPS: dict[str, Step] = {}
#: Those that only some shapes have.
EXTRA: set[str] = set()


def step(function: Step) -> Step:
    """Make a function a step of the story, under its own name."""
    STEPS[function.__name__] = function
    return function


def extra_step(function: Step) -> Step:
    """Make a function a step for the shapes that name it in ``also``."""
    EXTRA.add(function.__name__)
    return step(function)


class Unexpected(AssertionError):
    """An answer is not as the contract has it."""


@dataclass
class Answer:
    """What a request was answered with.

    Args:
        asked: the request, in a line.
        response: as it came.
        said: its body in the contract's words; None where there is none.
        statements: made for it.
        freshness: of the project.
        shape: of the project.
        path: as it was asked for, below ``api/``.
    """

    asked: str
    response: httpx.Response
    said: Any
    statements: list[tuple[str, str]]
    freshness: str
    shape: Shape
    path: str

    @property
    def is_own(self) -> bool:
        """Whether the view is the project's and not ours."""
        return self.path.split("/")[0] in OWN

    @property
    def status(self) -> int:
        return self.response.status_code

    def __str__(self) -> str:
        kind = self.response.headers.get("Content-Type", "")
        text = self.response.text[:300] if "json" in kind or "yaml" in kind else f"({kind})"
        return f"{self.asked} -> {self.status} {text}"

    def demand(self, holds: object, what: str) -> None:
        """Fail unless something holds."""
        if not holds:
            raise Unexpected(f"{what}:\n{self}")

    def ok(self, status: int = 200, *, keys: set[str] | None = None, costs: str = "") -> Any:
        """Demand a success, and return its body.

        Args:
            status: the one demanded.
            keys: of the body, exactly.
            costs: what is asked for, of ``COSTS``.
        """
        self.demand(self.status == status, f"expected {status}")
        if keys is not None:
            self.demand(isinstance(self.said, dict) and self.said.keys() == keys, f"{keys} only")
        if costs:
            expected = {**COSTS, **self.shape.costs}[costs]
            if isinstance(expected, dict):
                expected = expected[self.freshness]
            if isinstance(expected, int):
                expected = (expected,)
            made = "".join(f"\n    {alias}: {sql[:300]}" for alias, sql in self.statements)
            self.demand(
                len(self.statements) in expected,
                f"expected {expected} statements for {costs!r}, not {len(self.statements)}:{made}",
            )
        return self.said

    def demand_status(self, *statuses: int) -> None:
        """Demand one of these."""
        self.demand(self.status in statuses, f"expected {statuses}")

    def refused(
        self, status: int, code: str = "", reason: str = "", *, exactly: bool = False
    ) -> None:
        """Demand a refusal in the contract's shape.

        Args:
            status: the one demanded.
            code: of the body; "" for any.
            reason: of the body.
            exactly: whether the status is 401 also at a view of the project, where the first
                authenticator has no challenge.
        """
        if status == 401 and self.is_own and not exactly:
            status = self.shape.anonymous
        self.demand(self.status == status, f"expected {status} {code} {reason}")
        body = self.said
        self.demand(isinstance(body, dict), "a refusal is an object")
        if code:
            self.demand(body.get("code") == code, f"expected the code {code}")
            self.demand(body.get("detail"), "a refusal says what is wrong")
            self.demand(body.get("reason", "") == reason, f"expected the reason {reason!r}")
        challenge = self.response.headers.get("WWW-Authenticate")
        self.demand(
            (challenge is not None) == (status == 401), "a 401 and no other has a challenge"
        )

    def field(self, *names: str) -> None:
        """Demand a 400 that is about these fields of the body, in DRF's shape."""
        self.demand(self.status == 400, f"expected 400 for {names}")
        self.demand(
            isinstance(self.said, dict) and self.said.keys() == set(names),
            f"expected an error of {names}",
        )


class World:
    """A project that runs.

    Args:
        shape: of what kind it is.
        freshness: its setting.
        recorder: hears of what it does.
        keepsakes: what an act before this one has left.
    """

    def __init__(
        self, shape: Shape, freshness: str, recorder: Recorder, keepsakes: Mapping[str, Any]
    ) -> None:
        self.shape = shape
        self.freshness = freshness
        self.recorder = recorder
        self.keepsakes = dict(keepsakes)
        self.requests: list[tuple[str, int]] = []
        self.crowded = False
        self._numbers = count(1)
        self._application = _application(shape)

    def orm(self, host: str = "") -> AbstractContextManager[Any]:
        """Return a context in which the ORM reaches the tables that a host's requests reach."""
        if not self.shape.inside:
            return nullcontext()
        enter: AbstractContextManager[Any] = import_string(self.shape.inside)(
            host or self.shape.host
        )
        return enter

    def user(self, host: str = "", **fields: Any) -> Any:
        """Make a user, named by a number of its own."""
        model = get_user_model()
        name = self.shape.username(f"user{settings.ACT}n{next(self._numbers)}")
        with self.orm(host):
            manager: Any = model._default_manager
            user = manager.create_user(**{model.USERNAME_FIELD: name, "password": PASSWORD})
            if fields:
                for attribute, value in fields.items():
                    setattr(user, attribute, value)
                user.save()
            return user

    def share(self, cases: Iterable[Case]) -> list[Case]:
        """Return the cases of a long list that this run looks at: all, or every fourth."""
        number = os.environ.get("GAUNTLET_SHARE", "")
        return list(cases)[int(number) % 4 :: 4] if number else list(cases)

    @cached_property
    def bystander(self) -> Any:
        """A user that a step may name and does nothing to."""
        return self.user()

    def device(self, user: Any = None, **options: Any) -> Device:
        """Return a client at an address of its own; signed in, where a user is given."""
        number = next(self._numbers)
        device = Device(self, user, f"203.0.{number // 250}.{number % 250 + 1}", **options)
        if user is not None:
            device.sign_in()
        return device

    def transport(self, address: str) -> httpx.BaseTransport:
        """Return what hands a client's requests to the application."""
        if self.shape.asgi:
            return ASGITransport(self._application, address)
        return WSGITransport(self._application, address, self.shape.stripped, self.shape.forwards)

    def at_once(self, *asks: Callable[[], Answer]) -> list[Answer]:
        """Return the answers to requests that are made at the same time, each in a thread."""
        together = Barrier(len(asks))

        def ask(one: Callable[[], Answer]) -> Answer:
            together.wait(timeout=30)
            try:
                return one()
            finally:
                connections.close_all()

        self.crowded = True
        try:
            with ThreadPoolExecutor(len(asks)) as threads:
                answers = list(threads.map(ask, asks))
        finally:
            self.crowded = False
        if wrong := self.recorder.errors():
            raise Unexpected("\n".join([*map(str, answers), *wrong]))
        return answers

    def as_request_user(self, device: Device, ask: Callable[[Any], Any]) -> Any:
        """Return what code of the project gets that asks ``request.user`` something."""
        views.asked[device.session] = ask
        device.get("ask/").ok()
        return views.asked.pop(device.session)

    def eventually_ended(self, device: Device, *, user_is_gone: bool = False) -> None:
        """Demand that a device's access token is refused, as soon as the freshness promises.

        Args:
            device: whose session has ended.
            user_is_gone: whether that was since its user was deactivated or deleted.
        """
        answer = device.get("protected/")
        freshness = self.shape.freshness or self.freshness
        if freshness == "expiry" and not (user_is_gone and self.shape.loads_users):
            answer.ok()
            return
        if freshness == "bounded":
            until = time.monotonic() + 5
            while answer.status == 200 and time.monotonic() < until:
                time.sleep(0.005)  # the list of ended sessions is read every FEED_INTERVAL
                answer = device.get("protected/")
        answer.demand(answer.status != 200, "expected a session that has ended")
        answer.refused(401, "token_not_valid", answer.said.get("reason", ""))

    def age(self, device: Device, host: str = "", **columns: timedelta) -> None:
        """Let moments of a device's session be longer ago."""
        from drf_ratchet.models import Session

        with self.orm(host):
            alias = _write_alias(Session)
            changed = (
                Session._base_manager.using(alias)
                .filter(pk=device.session)
                .update(**{name: F(name) - duration for name, duration in columns.items()})
            )
        if changed != 1:
            raise Unexpected(f"no session {device.session}")


def _write_alias(model: Any) -> str:
    from django.db import router

    return str(router.db_for_write(model))


def _application(shape: Shape) -> Any:
    if shape.asgi:
        from django.core.asgi import get_asgi_application

        return get_asgi_application()
    from django.core.wsgi import get_wsgi_application

    return get_wsgi_application()


class Device:
    """Somebody's phone, or browser, or program.

    Args:
        world: the project.
        user: whose it is; None for a stranger's.
        address: from where.
        host: to which.
        prefix: in front of ``api/``; None for the shape's.
    """

    def __init__(
        self, world: World, user: Any, address: str, host: str = "", prefix: str | None = None
    ) -> None:
        self.world, self.user = world, user
        self.access: str = ""
        self.refresh: str = ""
        self.host = host or world.shape.host
        self.prefix = world.shape.prefix if prefix is None else prefix
        self.http = httpx.Client(
            transport=world.transport(address),
            trust_env=False,
            base_url=f"https://{self.host}",
            headers={"User-Agent": "gauntlet/1", "Accept": "application/json"},
        )
        self.http.headers.update(world.shape.headers)

    @property
    def proof(self) -> dict[str, Any]:
        """What a step-up asks for: the credentials but the account's name."""
        return dict([*self.credentials.items()][1:])

    @property
    def credentials(self) -> dict[str, Any]:
        """What its user signs in with."""
        own = {get_user_model().USERNAME_FIELD: self.user.get_username(), "password": PASSWORD}
        proves = self.world.shape.proves
        if not proves:
            return own
        with self.world.orm():
            return {**own, **import_string(proves)(self.user)}

    @property
    def session(self) -> str:
        """The id of the session of its access token."""
        return str(claims_of(self.access)["sid"])

    def sign_in(self, **changed: Any) -> Answer:
        """Sign in, and keep the tokens."""
        answer = self.post("token/", {**self.credentials, **changed}, token=None)
        self.keep(answer.ok())
        return answer

    def refreshes(self, refresh: str = "", key: str = "") -> Answer:
        """Refresh, without keeping what comes back."""
        headers = {"Idempotency-Key": key} if key else {}
        body = {"refresh": refresh or self.refresh}
        return self.post("token/refresh/", body, token=None, **headers)

    def keep(self, said: Any) -> None:
        """Keep the tokens of a body."""
        self.access = said["access"]
        self.refresh = said.get("refresh", self.refresh)

    def get(self, path: str, **options: Any) -> Answer:
        return self.ask("GET", path, **options)

    def delete(self, path: str, **options: Any) -> Answer:
        return self.ask("DELETE", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> Answer:
        return self.ask("POST", path, body, **options)

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = "",
        content: bytes | None = None,
        **headers: Any,
    ) -> Answer:
        """Send a request and return its answer, which is no 500 and logs no error.

        Args:
            method: of the request.
            path: below ``api/``, as the contract has it; or from the root, with a slash in front.
            body: to be sent as JSON; None for none.
            token: for the Authorization header; "" for the device's own, None for none.
            content: the body as bytes, in the place of ``body``.
            headers: others, with ``_`` for ``-``.
        """
        world = self.world
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        own = self.access if token == "" else token
        if own:
            sent.setdefault("Authorization", f"Bearer {own}")
        if body is not None:
            content = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        url = path if path.startswith("/") else self.url(path)
        world.recorder.statements()
        # What was logged outside of a request is the step's own to look at.
        before = [] if world.crowded else world.recorder.errors()
        response = self.http.request(method, url, content=content, headers=sent)
        statements = world.recorder.statements()
        errors = [] if world.crowded else world.recorder.errors()
        if not world.crowded:  # nobody can tell then whose statements they are
            world.requests.append((f"{method} {path}", len(statements)))
        asked = f"{method} {url}"
        wrong = before + errors
        said = _said(world.shape, path, response)
        answer = Answer(asked, response, said, statements, world.freshness, world.shape, path)
        for alias, sql in statements:
            # What a replica says of a session may be of a while ago.
            if alias == "replica" and "drf_ratchet_" in sql and not path.startswith("/"):
                wrong.append(f"read from the replica: {sql}")
        if (response.status_code >= 500 and not world.crowded) or wrong:
            raise Unexpected("\n".join([str(answer), *wrong]))
        return answer

    def url(self, path: str) -> str:
        """Return the URL of a path of the contract, in this project."""
        suffix = self.world.shape.suffix
        if suffix:
            path = path.removesuffix("/") + suffix
        return f"{self.prefix}api/{path}{self.world.shape.query}"


def _said(shape: Shape, path: str, response: httpx.Response) -> Any:
    if "json" not in response.headers.get("Content-Type", "") or not response.content:
        return None
    body = response.json()
    # The RFCs, or the script in the browser, say what these look like, in any project.
    theirs = ("services/", "browser/", "/.well-known/", "/admin/")
    standard = path.startswith(theirs) and response.status_code < 400
    return body if standard else shape.says(response.status_code, body)


def claims_of(token: str) -> dict[str, Any]:
    """Return what a token says, unverified."""
    from ratchet_tokens import codec

    segment = token.split(".")[1]
    return codec._read_object(codec._base64url(segment))


@contextmanager
def failing(what: str) -> Iterator[None]:
    """Name what is tried, where it fails."""
    try:
        yield
    except Unexpected as error:
        raise Unexpected(f"{what}: {error}") from None


__all__ = [
    "COSTS",
    "EXTRA",
    "PASSWORD",
    "STEPS",
    "Answer",
    "Device",
    "Unexpected",
    "World",
    "claims_of",
    "extra_step",
    "failing",
    "field",
    "ratchet_settings",
    "step",
]
