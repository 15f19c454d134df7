"""The page for those who write a client: its rules, and the server that tries them."""

import json
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from tests import console

pytestmark = pytest.mark.any_database

PAGE = (console.ROOT / "docs" / "howto" / "own-client.md").read_text()


@pytest.fixture(scope="module")
def said() -> Iterator[list[str]]:
    """What the page's command prints."""
    command = [sys.executable, "clients/faults.py", "--port=0"]
    with subprocess.Popen(command, cwd=console.ROOT, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        lines = []
        while not lines or not lines[-1].startswith("Listening on "):
            lines.append(server.stdout.readline().strip())
        yield lines
        server.terminate()
        server.communicate()


@pytest.fixture
def address(said: list[str]) -> str:
    return said[-1].split()[-1]


def ask(url: str, body: Any = None) -> Any:
    content = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url, content), timeout=30) as answer:
        return json.load(answer)


@pytest.mark.starts
def test_the_command_prints_what_the_page_shows(said: list[str], address: str) -> None:
    [shown] = re.findall(r"^http://127.0.0.1:8900/.*$", PAGE, re.MULTILINE)
    assert shown.replace("http://127.0.0.1:8900", address) in said


@pytest.mark.starts
def test_the_requests_of_the_page_work(address: str) -> None:
    scene = f"{address}/lost_answer"
    assert ask(f"{scene}/reset", {})["requests"] == []
    ask(f"{scene}/advance", {"seconds": 300})
    verdict = ask(f"{scene}/verdict")
    assert not verdict["ok"], "nobody has done anything yet"
    assert verdict["broken"] == [
        {"must": 3, "what": "GET protected/ has never succeeded."},
        {"must": 3, "what": "The refresh was not tried again."},
    ]


@pytest.mark.starts
def test_each_scenario_stands_beside_its_rule(address: str) -> None:
    rules = {
        int(number): set(re.findall(r"`(\w+)`", scenarios))
        for number, scenarios in re.findall(r"^\| (\d+) \| .* \| ([^|]*) \|$", PAGE, re.MULTILINE)
    }
    assert list(rules) == list(range(1, 18))
    named = {(must, each["scenario"]) for each in ask(address) for must in each["musts"]}
    assert named == {(number, name) for number, names in rules.items() for name in names}
