"""Under ATOMIC_REQUESTS, in the transaction of a test case."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, connection, transaction
from rest_framework.test import APIClient

from drf_ratchet.testing.client import RatchetClient, api_client_for

pytestmark = pytest.mark.django_db
NO_TOKEN = {"refresh": "no token"}


@pytest.fixture(autouse=True)
def _atomic_requests(db: None) -> Iterator[None]:
    connection.settings_dict["ATOMIC_REQUESTS"] = True
    yield
    connection.settings_dict["ATOMIC_REQUESTS"] = False


def test_a_refusal_breaks_nothing(alice: User) -> None:
    client = api_client_for(alice)
    assert client.post("/api/token/refresh/", NO_TOKEN).status_code == 401
    assert client.get("/api/protected/").status_code == 200
    client.refresh()
    client.sign_out()
    assert client.get("/api/protected/").status_code == 401
    assert client.post("/api/token/refresh/", NO_TOKEN).status_code == 401
    assert User.objects.filter(username="alice").exists()


def test_with_drfs_own_client_it_does(alice: User) -> None:
    """Why ours puts that right."""
    assert APIClient().post("/api/token/refresh/", NO_TOKEN).status_code == 401
    with pytest.raises(transaction.TransactionManagementError):
        User.objects.get()


def test_broken_transaction_stays_broken(alice: User) -> None:
    with pytest.raises(DatabaseError), transaction.atomic(savepoint=False):
        connection.cursor().execute("SELECT nothing FROM nowhere")
    assert connection.needs_rollback
    RatchetClient().post("/api/token/refresh/", NO_TOKEN)
    assert connection.needs_rollback


def test_what_a_failed_statement_breaks_stays_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        with pytest.raises(DatabaseError), transaction.atomic(savepoint=False):
            connection.cursor().execute("SELECT nothing FROM nowhere")

    monkeypatch.setattr(APIClient, "request", fail)
    RatchetClient().get("/api/protected/")
    assert connection.needs_rollback


def test_refused_inside_an_atomic_block(alice: User) -> None:
    client = api_client_for(alice)
    with transaction.atomic(), pytest.raises(RuntimeError, match="inside a transaction"):
        client.refresh()
    with transaction.atomic(), pytest.raises(RuntimeError, match="inside a transaction"):
        client.sign_out()
