"""Spellings of one account: whatever the database takes for the same has one count."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from rest_framework.test import APIClient

from drf_ratchet.account_names import fold
from drf_ratchet.bounds import MAX_CREDENTIAL_LENGTH
from tests.docs.project import project_of
from tests.fixtures import PASSWORD

#: All of the first two planes, where every letter is that has a case.
LETTERS = [chr(code) for code in range(1, 0x1F000) if not 0xD800 <= code <= 0xDFFF]
#: What a Turkish, an Azeri or a Lithuanian locale makes of these.
LOCAL = {"i": "\u0130", "I": "\u0131", "\u0130": "i", "\u0131": "I", "J": "j\u0307"}


@pytest.mark.any_database
def test_pythons_own_case() -> None:
    for case in (str.upper, str.lower, str.title, str.casefold, str.swapcase):
        for letter in LETTERS:
            if case(letter) != letter:
                assert fold(case(letter)) == fold(letter), (letter, case)
    for letter, other in LOCAL.items():
        assert fold(letter) == fold(other)


@pytest.mark.any_database
def test_folding_twice_changes_nothing() -> None:
    for letter in LETTERS[:0x3000]:
        assert fold(fold(letter)) == fold(letter)


@pytest.mark.any_database
@pytest.mark.parametrize(
    "name",
    [
        "al\u0131ce",
        "ALICE",
        "al\u0130ce",
        "\u00e1lice",
        "a\u200blice",
        "\uff21LICE",
        " alice\u00a0",
    ],
)
def test_spellings_of_alice(name: str) -> None:
    assert fold(name) == "alice"


@pytest.mark.any_database
def test_names_that_are_others() -> None:
    names = ["alice", "alice2", "bob", "al ice", "阿丽丝", "алиса", "αλίκη", "a.lice", "alice@a.b"]
    assert len({fold(name) for name in names}) == len(names)


@pytest.mark.django_db
def test_the_databases_own_case() -> None:
    """UPPER is what ``__iexact`` compares on PostgreSQL."""
    quoted = connection.ops.quote_name
    collations = [""]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                # The wheel's PostgreSQL has no ICU ("i"): "c" is the C library's, "b" its own.
                "SELECT DISTINCT collname FROM pg_collation WHERE collencoding IN (-1, 6) "
                "AND collisdeterministic AND collprovider IN ('b', 'c', 'd')"
            )
            collations += [f" COLLATE {quoted(name)}" for (name,) in cursor.fetchall()]
    for collation in collations:
        for start in range(0, len(LETTERS), 50_000):
            letters = LETTERS[start : start + 50_000]
            for letter, *cases in cased(letters, collation):
                for case in cases:
                    if case != letter:
                        assert fold(case) == fold(letter), (letter, case, collation)


def cased(letters: list[str], collation: str) -> list[tuple[str, ...]]:
    """Each letter, and what the database's UPPER and LOWER make of it."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                f"SELECT l, UPPER(l{collation}), LOWER(l{collation}), INITCAP(l{collation}) "
                "FROM unnest(%s::text[]) AS l",
                [letters],
            )
            return list(cursor.fetchall())
        found: list[tuple[str, ...]] = []
        for first in range(0, len(letters), 200):
            some = letters[first : first + 200]
            row = ", ".join(["%s, UPPER(%s), LOWER(%s)"] * len(some))
            cursor.execute(f"SELECT {row}", [each for each in some for _ in range(3)])
            [values] = cursor.fetchall()
            found += [values[n : n + 3] for n in range(0, len(values), 3)]
        return found


@pytest.mark.django_db
def test_one_address_by_64_spellings(api: APIClient, settings: Any) -> None:
    """The recipe finds accounts by ``email__iexact``."""
    User.objects.create_user("alice", "iiiiii@example.com", PASSWORD)
    rates = {"sign_in_address": None, "sign_in": None, "sign_in_account": "5/hour"}
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": rates}
    answers = []
    with project_of("howto/email-or-username.md", yours={}):
        for number in range(64):
            name = "".join("\u0131" if number >> bit & 1 else "i" for bit in range(6))
            body = {"username": f"{name}@example.com", "password": f"guess {number}"}
            answers.append(api.post("/api/token/", body).status_code)
    assert answers == [401] * 5 + [429] * 59


@pytest.mark.django_db
def test_letters_that_a_collation_takes_for_others(api: APIClient, settings: Any) -> None:
    """MariaDB's default collation equates hundreds of letters with ``a``."""
    User.objects.create_user("aloha2", password=PASSWORD)
    rates = {"sign_in_address": None, "sign_in": None, "sign_in_account": "5/hour"}
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": rates}
    names = ["aloha2", "\u00e5loha2", "al\u00f8ha2", "aloha\u0662", "aloha\u2776", "a\u0142oha2"]
    found = {name: User.objects.filter(username=name).exists() for name in names}
    answers = {}
    for _ in range(5):
        for name in names:
            body = {"username": name, "password": "wrong"}
            answers.setdefault(name, []).append(api.post("/api/token/", body).status_code)
    same = [name for name in names if found[name] or fold(name) == "aloha2"]
    tries = [status for name in same for status in answers[name]]
    assert tries.count(401) == 5


@pytest.mark.any_database
def test_the_longest_name_is_folded_quickly() -> None:
    import time

    started = time.process_time()
    fold("\ufdfa" * MAX_CREDENTIAL_LENGTH)
    assert time.process_time() - started < 0.2
