"""Whatever schemathesis makes up, the answer is one that ``description`` knows: never a 5xx.

Its plugin for pytest is switched off in ``pyproject.toml``: it would be loaded for every test, and
would make up its requests while the tests are collected, once more in each process.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
import schemathesis
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.core.wsgi import get_wsgi_application
from django.test import override_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from blog.models import Post
from config.settings import SCOPES
from drf_ratchet.browser.cookies import IN_MEMORY, cookie_name
from drf_ratchet.models import Session
from drf_ratchet.sessions import Grant, end_session, open_session
from ratchet_tokens.claims import Kind
from tests.attacks.description import DESCRIPTION, OTHER_POST, OWN_POST
from tests.fixtures import PASSWORD
from tests.sizes import few, sized

pytestmark = pytest.mark.any_database

EXAMPLES = sized(20, 3)
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    allow_header_conformance,
]

# What is made up before there is a database says only what is meant; see `filled_in`.
TOKENS = ["<refresh>", "<rotated>", "<ended>", "<another's>", "<access>"]
SESSIONS = ["own-session", "ended-session", "3f2504e0-4f89-11d3-9a0c-0305e82c3301"]
for name, values in {
    "refresh-token": TOKENS,
    "session-id": SESSIONS,
    "username": ["alice", "nobody"],
    "right-or-wrong-password": [PASSWORD, "wrong"],
}.items():
    schemathesis.openapi.format(name, st.sampled_from(values))

schema = schemathesis.openapi.from_dict(
    DESCRIPTION,
    config=schemathesis.Config.from_dict(
        {
            "seed": 1,
            "cache": {"enabled": False},
            "analysis": {"constants": {"enabled": False}},
            "generation": {
                "mode": "all",
                # The Authorization header is the test's.
                "with-security-parameters": False,
            },
        }
    ),
)
schema.app = get_wsgi_application()


class World:
    """One user with a session, a post of hers and one of another's: made anew for each request."""

    def __init__(self, alice: User, bob: User) -> None:
        self.alice, self.bob = alice, bob
        Session.objects.all().delete()
        Post.objects.all().delete()
        Post.objects.create(pk=OWN_POST, author=alice, title="A title", body="A body.")
        Post.objects.create(pk=OTHER_POST, author=bob, title="A title", body="A body.")
        self.grant = open_session(alice)
        self.browser = open_session(alice, transport=IN_MEMORY)
        self.real: dict[str, Callable[[], Any]] = {
            "<refresh>": lambda: self.grant.refresh,
            "<access>": lambda: self.grant.access,
            "own-session": lambda: str(self.grant.session.pk),
            "<rotated>": self.rotated,
            "<ended>": lambda: self.ended().refresh,
            "ended-session": lambda: str(self.ended().session.pk),
            "<another's>": lambda: open_session(bob).refresh,
        }

    def rotated(self) -> str | None:
        """A refresh token that was used long ago."""
        Session.objects.filter(pk=self.grant.session.pk).update(generation=3)
        return self.grant.refresh

    def ended(self) -> Grant:
        """Of a session that has ended."""
        grant = open_session(self.alice)
        end_session(grant.session)
        return grant

    def filled_in(self, value: Any) -> Any:
        """What was made up, with real tokens and ids where it says so."""
        if isinstance(value, dict):
            return {key: self.filled_in(each) for key, each in value.items()}
        if isinstance(value, list):
            return [self.filled_in(each) for each in value]
        return self.real[value]() if isinstance(value, str) and value in self.real else value


Sender = Callable[[World, bool], dict[str, str]]


def nobody(world: World, to_browsers: bool) -> dict[str, str]:
    return {"Sec-Fetch-Site": "same-origin"} if to_browsers else {}


def alice_signed_in(world: World, to_browsers: bool) -> dict[str, str]:
    if not to_browsers:
        return {"Authorization": f"Bearer {world.grant.access}"}
    return {
        "Authorization": f"Bearer {world.browser.access}",
        "Cookie": f"{cookie_name(Kind.COOKIE_REFRESH)}={world.browser.refresh}",
        "Sec-Fetch-Site": "same-origin",
    }


def wrong_token(world: World, to_browsers: bool) -> dict[str, str]:
    """And from another site, where that matters."""
    token = world.grant.refresh
    return {
        "Authorization": f"Bearer {token}",
        **({"Cookie": f"{cookie_name(Kind.COOKIE_REFRESH)}={token}"} if to_browsers else {}),
    }


SENDERS: tuple[Sender, ...] = (nobody, alice_signed_in, wrong_token)


@pytest.fixture(autouse=True)
def _no_throttles() -> Iterator[None]:
    rates = {"DEFAULT_THROTTLE_RATES": dict.fromkeys(SCOPES)}
    with override_settings(REST_FRAMEWORK={**django_settings.REST_FRAMEWORK, **rates}):
        yield


@pytest.fixture
def bob(db: None) -> User:
    return User.objects.create_user("bob", "bob@example.com", PASSWORD)


#: Those that `make test` asks.
FEW = {"POST /api/token/", "POST /api/token/refresh/", "POST /api/browser/login/"}
OPERATIONS = [
    f"{method.upper()} {path}"
    for path, methods in DESCRIPTION["paths"].items()
    for method in methods
]


@pytest.mark.parametrize("label", few(OPERATIONS, FEW.__contains__))
def test_every_answer_is_in_the_contract(
    label: str, alice: User, bob: User, show: Callable[[str], None]
) -> None:
    method, path = label.split(" ")
    operation = schema[path][method]
    statuses: Counter[int] = Counter()

    def answer_of(case: Any, sender: Sender) -> None:
        world = World(alice, bob)
        case.body = world.filled_in(case.body)
        case.path_parameters = world.filled_in(case.path_parameters)
        answer = case.call(headers=sender(world, path.startswith("/api/browser/")))
        statuses[answer.status_code] += 1
        case.validate_response(answer, checks=CHECKS)

    # What lies at the edges of the description: each bound, each type, each thing left out.
    for case in schema.iter_coverage_cases(
        operation,
        generation_modes=list(GenerationMode),
        generation_config=schema.config.generation,
    ):
        answer_of(case, alice_signed_in)
    # And at random, what it allows and what it does not.
    for mode in GenerationMode:
        at_random(operation.as_strategy(mode), answer_of)
    seen = ", ".join(f"{number} × {status}" for status, number in sorted(statuses.items()))
    show(f"schemathesis, {label}: {seen}")


def at_random(strategy: st.SearchStrategy[Any], ask: Callable[[Any, Sender], None]) -> None:
    """Ask for what the strategy makes up: the same each time, CI is no place for surprises."""

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy, st.sampled_from(SENDERS))
    def asked(case: Any, sender: Sender) -> None:
        ask(case, sender)

    # Unsatisfiable: nothing about it can be wrong, it takes neither body nor parameter.
    with suppress(Unsatisfiable):
        asked()
