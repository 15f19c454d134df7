"""Revocation: a token that we signed ends its session, however old it is."""

import logging
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models import F
from django.test import override_settings

from drf_ratchet import signals
from drf_ratchet.keyring import keyring
from drf_ratchet.models import Session
from drf_ratchet.sessions import database, end_session, open_session, refresh_session
from drf_ratchet.sessions.grant import Grant
from ratchet_tokens import codec
from ratchet_tokens.claims import Kind
from ratchet_tokens.errors import TokenRefused
from tests.fixtures import payload
from tests.services.conftest import Ask, ratchet, refused
from tests.services.test_introspection import EACH_TOKEN, _way
from token_tests.forge import key_for

pytestmark = pytest.mark.django_db


def done(answer: Any) -> None:
    """It says the same whatever it did."""
    assert answer.status_code == 200, answer.content
    assert answer.content == b"{}"
    assert answer["Content-Type"] == "application/json"
    assert answer["Cache-Control"] == "no-store"


def resigned(token: str, **changes: Any) -> str:
    """A token of ours that says something else as well."""
    kind = codec.kind_of(token)
    ring = keyring()
    key = (ring.refresh if kind.is_refresh else ring.access).signing
    return codec.sign({**payload(token), **changes}, key, kind)


@EACH_TOKEN
def test_it_ends_the_session(which: str, grant: Grant, ask: Ask) -> None:
    done(ask("revoke", getattr(grant, which)))

    session = Session.objects.get()
    assert session.ended_at is not None
    assert session.end_reason == "revoked"
    with pytest.raises(TokenRefused, match="session_ended"):
        refresh_session(grant.refresh or "", transport=_way(grant))


@EACH_TOKEN
def test_ends_only_the_session_of_the_token(
    which: str, grant: Grant, alice: User, ask: Ask
) -> None:
    other = open_session(alice).session

    done(ask("revoke", getattr(grant, which)))

    assert Session.objects.get(pk=other.pk).ended_at is None


@EACH_TOKEN
def test_an_expired_one(which: str, grant: Grant, ask: Ask) -> None:
    done(ask("revoke", resigned(getattr(grant, which), iat=1_000, exp=1_001)))

    assert Session.objects.get().end_reason == "revoked"


def test_a_rotated_one(grant: Grant, ask: Ask) -> None:
    refresh_session(grant.refresh or "", transport=_way(grant))
    refresh_session(grant.refresh or "", transport=_way(grant), idempotency_key="k")

    done(ask("revoke", grant.refresh))

    assert Session.objects.get().end_reason == "revoked"


def test_of_an_issuer_and_for_an_audience(alice: User, ask: Ask) -> None:
    changes = ratchet(ISSUER="https://blog.example", AUDIENCE=["blog", "shop"])
    with override_settings(DRF_RATCHET=changes):
        done(ask("revoke", open_session(alice).access))

    assert Session.objects.get().end_reason == "revoked"


@EACH_TOKEN
def test_the_first_reason_wins(which: str, grant: Grant, ask: Ask) -> None:
    end_session(grant.session)

    done(ask("revoke", getattr(grant, which)))

    assert Session.objects.get().end_reason == "logout"


@EACH_TOKEN
@pytest.mark.parametrize(
    "happens",
    [
        lambda: Session.objects.update(expires_at=F("created_at")),
        lambda: Session.objects.all().delete(),
        lambda: User.objects.all().delete(),
        lambda: User.objects.update(is_active=False),
    ],
)
def test_ended_session_gets_the_same_response(
    which: str, happens: Callable[[], Any], grant: Grant, ask: Ask
) -> None:
    happens()

    done(ask("revoke", getattr(grant, which)))


@pytest.mark.parametrize("token", ["x", "a.b.c", "..", "é", "x" * 100_000])
def test_rubbish(token: str, ask: Ask) -> None:
    done(ask("revoke", token))


@EACH_TOKEN
def test_what_we_did_not_sign_ends_nothing(which: str, grant: Grant, ask: Ask) -> None:
    token = getattr(grant, which)
    others = codec.sign(payload(token), key_for("ES384"), codec.kind_of(token))
    ring = keyring()
    # Each kind of token with the key of the other.
    swapped = codec.sign(
        payload(token),
        (ring.refresh if which == "access" else ring.access).signing,
        codec.kind_of(token),
    )
    for forged in (others, swapped, token[:-4] + "AAAA", f"{token}.x", token.rpartition(".")[0]):
        done(ask("revoke", forged))

    assert Session.objects.get().ended_at is None


@pytest.mark.parametrize("kind", list(Kind))
def test_of_no_session(kind: Kind, grant: Grant, ask: Ask) -> None:
    ring = keyring()
    key = (ring.refresh if kind.is_refresh else ring.access).signing
    token = codec.sign(
        {**payload(grant.refresh or ""), "token_type": kind.value, "sid": "x"}, key, kind
    )

    done(ask("revoke", token))

    assert Session.objects.get().ended_at is None


def test_signals_and_log(grant: Grant, ask: Ask, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "drf_ratchet.security")
    heard: list[str] = []

    def listen(*, reason: str, **_: Any) -> None:
        heard.append(reason)

    signals.session_ended.connect(listen)
    try:
        ask("revoke", grant.access)
        ask("revoke", grant.access)
    finally:
        signals.session_ended.disconnect(listen)

    assert heard == ["revoked"]
    said = f"The service billing has revoked session {grant.session.pk}."
    assert [record.getMessage() for record in caplog.records].count(said) == 1
    assert grant.access not in caplog.text


def test_one_read_and_one_write(grant: Grant, ask: Ask, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(2):
        ask("revoke", grant.access)


def test_a_row_that_others_hold(grant: Grant, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 7009 section 2.2.1: the service has to know that the token still lives."""

    def contended(*args: Any) -> Any:
        raise database.Contended

    monkeypatch.setattr("drf_ratchet.sessions.ending.retry_on_conflict", contended)

    answer = ask("revoke", grant.access)

    refused(answer, 503, "busy")
    assert answer["Retry-After"] == "1"


@pytest.mark.django_db(transaction=True)
def test_where_requests_are_transactions(
    grant: Grant, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.db import connection

    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)

    done(ask("revoke", grant.access))

    assert Session.objects.get().end_reason == "revoked"
