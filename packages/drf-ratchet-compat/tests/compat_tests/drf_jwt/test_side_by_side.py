"""The same calls to the real drf-jwt 1.19.2 and to ours, each in a process of its own."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from tests.console import ROOT, SOURCES

pytestmark = [pytest.mark.any_database, pytest.mark.starts]

#: What a token of ours says beside what the real one's says.
MORE_CLAIMS = {"sub", "sid", "auth_time", "token_type"}
#: Each difference, and its reason. Whatever else differs is a mistake.
DIFFERENCES = {
    "ask: JWT": "JWT and Bearer are both accepted, whatever JWT_AUTH_HEADER_PREFIX says",
    "refresh: in the header": "a token in the Authorization header will do: tutorials send it so",
    "impersonate": "the token says who acts, in RFC 8693's act",
    "obtain: objects": "a name that is no text is refused before the other fields are read",
    "obtain: true": "a name that is no text is refused before the other fields are read",
    "blacklist: garbage": "a 500 there; hostile input is a 400 here",
}


@pytest.fixture(scope="module")
def answers() -> dict[str, dict[str, Any]]:
    running = {name: start(name) for name in ("settings", "settings_real")}
    found = {}
    for name, process in running.items():
        output, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors
        found[name] = json.loads(output)
    return found


def start(settings: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "compat_tests.drf_jwt.calls"],
        cwd=ROOT,
        env={
            **{name: value for name, value in os.environ.items() if name != "DATABASE_URL"},
            "DJANGO_SETTINGS_MODULE": f"compat_tests.drf_jwt.{settings}",
            "PYTHONPATH": os.pathsep.join([*SOURCES, os.environ.get("PYTHONPATH", "")]),
            "MORE_APPS": '["drf_ratchet_compat.drf_jwt.blacklist"]',
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_field_by_field(answers: dict[str, dict[str, Any]]) -> None:
    ours, real = answers["settings"], answers["settings_real"]
    different = {
        name: {"ours": without_more_claims(ours[name]), "real": answer}
        for name, answer in real.items()
        if without_more_claims(ours[name]) != answer
    }
    expected = {name for name in DIFFERENCES if name in real}
    assert different.keys() == expected, {
        name: seen for name, seen in different.items() if name not in DIFFERENCES
    }


def test_enough_was_asked(answers: dict[str, dict[str, Any]], show: Any) -> None:
    real = answers["settings_real"]
    bad = [name for name, answer in real.items() if answer["status"] >= 400]
    assert len(real) - len(bad) >= 12
    assert len(bad) >= 60
    show(f"beside drf-jwt 1.19.2: {len(real)} calls, {len(bad)} of them bad")


def test_ours_is_never_a_500(answers: dict[str, dict[str, Any]]) -> None:
    assert {name for name, seen in answers["settings"].items() if seen["status"] >= 500} == set()


def test_the_differences_are_those(answers: dict[str, dict[str, Any]]) -> None:
    ours = answers["settings"]
    assert ours["ask: JWT"]["status"] == 200
    assert ours["refresh: in the header"]["status"] == 201
    assert ours["impersonate"]["body"]["token"]["act"].keys() == {"sub", "sid"}
    assert ours["blacklist: garbage"]["status"] == 400


def without_more_claims(answer: dict[str, Any]) -> dict[str, Any]:
    body = answer["body"]
    token = body.get("token") if isinstance(body, dict) else None
    if not isinstance(token, dict) or "sid" not in token:
        return answer
    assert token.keys() >= MORE_CLAIMS
    kept = {name: value for name, value in token.items() if name not in MORE_CLAIMS}
    return {**answer, "body": {**body, "token": kept}}
