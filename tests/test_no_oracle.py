"""Nobody learns which accounts exist, and no secret comes back out."""

import logging
import statistics
import time
from collections.abc import Callable
from typing import Any

import django
import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.contrib.auth.models import User
from django.test import override_settings
from django.urls import include, path
from django.utils.log import AdminEmailHandler
from rest_framework.test import APIClient

from drf_ratchet import throttling
from drf_ratchet.browser.cookies import cookie_name
from ratchet_tokens.claims import Kind
from tests.fixtures import PASSWORD, Tokens

pytestmark = pytest.mark.any_database

SECRET = "hunter2-and-more"
CASES = ("unknown", "wrong", "inactive")
ATTEMPTS = 100


class CheapHasher(PBKDF2PasswordHasher):
    """Slow enough that it is nearly all of a sign-in, quick enough for hundreds of them."""

    iterations = 20_000


@pytest.fixture
def attempts(api: APIClient, settings: Any) -> dict[str, Callable[[], Any]]:
    """A failing sign-in of each kind, under a hasher of some weight and without rate limits."""
    settings.PASSWORD_HASHERS = [f"{__name__}.CheapHasher"]
    settings.REST_FRAMEWORK = {
        **settings.REST_FRAMEWORK,
        "DEFAULT_THROTTLE_RATES": dict.fromkeys(throttling.RATES),
    }
    User.objects.create_user("alice", password=PASSWORD)
    User.objects.create_user("gone", password=PASSWORD, is_active=False)
    bodies = {
        "unknown": {"username": "nobody", "password": PASSWORD},
        "wrong": {"username": "alice", "password": "wrong"},
        "inactive": {"username": "gone", "password": PASSWORD},
    }
    return {case: lambda body=body: api.post("/api/token/", body) for case, body in bodies.items()}


@pytest.mark.django_db
def test_the_same_answer(attempts: dict[str, Callable[[], Any]]) -> None:
    answers = [attempts[case]() for case in CASES]
    assert {(answer.status_code, answer.content) for answer in answers} == {
        (401, answers[0].content)
    }
    headers = [
        {name: value for name, value in answer.items() if name != "Date"} for answer in answers
    ]
    assert headers[0] == headers[1] == headers[2]


@pytest.mark.django_db
def test_the_same_work(
    attempts: dict[str, Callable[[], Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    work: list[int] = []
    real = CheapHasher.encode

    def encode(self: Any, password: str, salt: str, iterations: int | None = None) -> str:
        work.append(iterations or self.iterations)
        return real(self, password, salt, iterations)

    monkeypatch.setattr(CheapHasher, "encode", encode)
    done = {}
    for case in CASES:
        work.clear()
        attempts[case]()
        done[case] = sum(work)
    assert done == dict.fromkeys(CASES, CheapHasher.iterations)


@pytest.mark.full
@pytest.mark.django_db
def test_the_same_time(attempts: dict[str, Callable[[], Any]], show: Callable[[str], None]) -> None:
    """In turn, and by processor time, so that a busy machine does not blur it.

    A person with a stopwatch sees the hasher; the difference of the medians has to be small beside
    what one attempt varies by itself.
    """
    spent: dict[str, list[float]] = {case: [] for case in CASES}
    for case in CASES * ATTEMPTS:
        started = time.process_time()
        attempts[case]()
        spent[case].append(time.process_time() - started)
    medians = {case: statistics.median(times) for case, times in spent.items()}
    between = max(medians.values()) - min(medians.values())
    deciles = statistics.quantiles(spent["wrong"], n=10)
    show(
        f"{ATTEMPTS} failing sign-ins of each kind: medians "
        + ", ".join(f"{case} {median * 1000:.2f} ms" for case, median in medians.items())
        + f"; one kind varies by {(deciles[-1] - deciles[0]) * 1000:.2f} ms"
    )
    assert between < max(deciles[-1] - deciles[0], 0.05 * medians["wrong"])


@pytest.mark.django_db
def test_no_response_repeats_a_secret(
    api: APIClient, tokens: Tokens, caplog: pytest.LogCaptureFixture, settings: Any
) -> None:
    settings.DEBUG = True
    with caplog.at_level(logging.DEBUG):
        answers = [
            api.post("/api/token/", {"username": "alice", "password": SECRET}),
            api.post("/api/token/", {"username": SECRET, "password": [SECRET]}),
            api.post("/api/token/refresh/", {"refresh": tokens.refresh + SECRET}),
            api.post("/api/token/refresh/", {"refresh": [tokens.refresh]}),
            api.post("/api/token/verify/", {"token": tokens.access + SECRET}),
            api.post("/api/logout/", {"refresh": tokens.access}),
            api.post("/api/token/", f'{{"password": "{SECRET}"', content_type="application/json"),
            api.get("/api/protected/", HTTP_AUTHORIZATION=f"Bearer {tokens.refresh}"),
        ]
    said = caplog.text + "".join(answer.content.decode() for answer in answers)
    assert {answer.status_code // 100 for answer in answers} == {4}
    for secret in (SECRET, tokens.access, tokens.refresh, settings.SECRET_KEY):
        assert secret not in said


@pytest.mark.django_db
def test_no_secret_in_an_error_report(tokens: Tokens, mailoutbox: list[Any], settings: Any) -> None:
    """A project's own bug during a sign-in or a refresh: the mail to the admins holds no secret."""

    def broken(user: User, *, session: Any, request: Any) -> dict[str, Any]:
        raise RuntimeError("a bug of the project's own")

    settings.ADMINS = (
        ["admin@example.com"] if django.VERSION >= (6, 0) else [("admin", "admin@example.com")]
    )
    handler = AdminEmailHandler(include_html=True)
    logger = logging.getLogger("django.request")
    logger.addHandler(handler)
    client = APIClient(raise_request_exception=False)
    try:
        with override_settings(DRF_RATCHET={"CLAIMS": broken}):
            form = {"format": "multipart"}
            credentials = {"username": "alice", "password": PASSWORD}
            assert client.post("/api/token/", credentials, **form).status_code == 500
            body = {"refresh": tokens.refresh}
            assert client.post("/api/token/refresh/", body, **form).status_code == 500
            assert client.post("/api/token/refresh/", body).status_code == 500
            assert client.post("/api/token/", credentials).status_code == 500
    finally:
        logger.removeHandler(handler)
    assert len(mailoutbox) == 4
    for mail in mailoutbox:
        report = mail.body + "".join(content for content, _ in mail.alternatives)
        assert "a bug of the project" in report
        for secret in (PASSWORD, tokens.refresh, tokens.access):
            assert secret not in report


@pytest.mark.urls(__name__)
@pytest.mark.django_db
def test_no_cookie_and_no_setting_in_an_error_report(mailoutbox: list[Any], settings: Any) -> None:
    """A bug in any view of the project: the browser has sent its cookies there too."""
    settings.ADMINS = (
        ["admin@example.com"] if django.VERSION >= (6, 0) else [("admin", "admin@example.com")]
    )
    handler = AdminEmailHandler(include_html=True)
    logger = logging.getLogger("django.request")
    logger.addHandler(handler)
    client = APIClient(raise_request_exception=False)
    secret = "one-of-thirty-two-characters-at-least"
    given = {
        "SERVICE_SECRETS": {"billing": secret},
        "VERIFIER": {"issuer": "https://blog.example", "auth": ("billing", secret)},
        "KEYS": {"kty": "oct", "k": secret},
    }
    try:
        with override_settings(DRF_RATCHET=given):
            for kind in (Kind.COOKIE_REFRESH, Kind.COOKIE_ACCESS):
                client.cookies[cookie_name(kind)] = secret
            assert client.get("/broken/").status_code == 500
    finally:
        logger.removeHandler(handler)
    (mail,) = mailoutbox
    report = mail.body + "".join(content for content, _ in mail.alternatives)
    assert "a bug of the project" in report
    assert "refresh-token" in report
    assert secret not in report


def broken_view(request: Any) -> None:
    raise RuntimeError("a bug of the project's own")


urlpatterns = [path("broken/", broken_view), path("", include("config.urls"))]
