"""Clients with the same old tokens, as a program: `prepare` makes them, `refresh` uses them."""

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import django

TOKENS, THREADS = 12, 6


def prepare() -> list[str]:
    """Tables, a user, and tokens of the real drf-jwt."""
    from django.contrib.auth.models import User
    from django.core.management import call_command

    from compat_tests.drf_jwt.real import issue

    call_command("migrate", verbosity=0)
    alice = User.objects.create_user("alice")
    return [issue(alice) for _ in range(TOKENS)]


def refresh(tokens: list[str], start: float) -> list[Any]:
    """Each token in several threads at once: (token, status, session)."""
    from django.db import connection

    from drf_ratchet_compat.old_tokens import unverified_claims

    def one(number: int) -> Any:
        from rest_framework.test import APIClient

        # All threads, here and in the other process, at the same moment with the same token.
        moment = start + (number // THREADS) * 0.15
        time.sleep(max(moment - time.time(), 0))
        try:
            answer = APIClient().post("/api-token-refresh/", {"token": tokens[number // THREADS]})
            token = answer.json().get("token")
            session = unverified_claims(token)["sid"] if token else answer.json()
            return [number // THREADS, answer.status_code, session]
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(one, range(len(tokens) * THREADS)))


if __name__ == "__main__":
    django.setup()
    given = json.load(sys.stdin) if sys.argv[1] == "refresh" else None
    json.dump(prepare() if given is None else refresh(**given), sys.stdout)
