"""The reference is what the code says now, and leaves nothing out."""

import re
from dataclasses import fields
from typing import Any

import pytest
from django.dispatch import Signal
from django.urls import get_resolver

from docs.reference import generate
from drf_ratchet import conf, sessions, signals, throttling
from drf_ratchet.browser import urls as browser_urls
from drf_ratchet.services import urls as services_urls
from drf_ratchet.sessions import EndReason
from drf_ratchet.urls import urlpatterns
from ratchet_tokens.errors import Reason
from tests import console

pytestmark = pytest.mark.any_database

REFERENCE = console.ROOT / "docs" / "reference"


def page(name: str) -> str:
    return (REFERENCE / f"{name}.md").read_text()


def rows(name: str) -> list[list[str]]:
    """The cells of each row of each table on a page."""
    lines = [line for line in page(name).splitlines() if line.startswith("| ")]
    return [re.split(r" (?<!\\)\| ", line.strip("| ")) for line in lines]


@pytest.mark.parametrize("name", generate.PAGES)
def test_the_page_is_current(name: str) -> None:
    assert (REFERENCE / name).read_text() == generate.page(name), "run `make reference`"


def test_each_setting_is_there() -> None:
    named = re.findall(r"^## (\w+)\n\n(.+)\n\n- Type: .+\n- Default: .+\n- Must be .+\.$",
                       page("settings"), re.MULTILINE)  # fmt: skip
    assert [name for name, _ in named] == [one.name for one in fields(conf.RatchetSettings)]
    assert all(len(text) > 20 for _, text in named)


def test_each_default_is_the_one_in_force() -> None:
    from datetime import timedelta

    text = page("settings")
    for name, default in re.findall(r"^## (\w+)$.+?^- Default: `(.+?)`$", text, re.S | re.M):
        value = eval(default, {"timedelta": timedelta})
        assert value == getattr(conf.RatchetSettings(), name), name


def test_each_signal_is_there_with_its_arguments() -> None:
    ours = [name for name, one in vars(signals).items() if isinstance(one, Signal)]
    told = {row[0].strip("`"): row for row in rows("signals")[2:]}
    assert sorted(told) == sorted(ours)
    for name, (_, text, arguments) in told.items():
        assert len(text) > 10
        if name != "sessions_cut_off":
            assert arguments.startswith("`session`, `request`")
    assert told["session_ended"][2].endswith("`reason`")
    assert told["session_refreshed"][2].endswith("`outcome`")
    assert told["sessions_cut_off"][2] == "`before`, `reason`"


def test_each_command_and_option_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    """By what the command itself prints as its help."""
    from django.core.management import call_command

    text = page("commands")
    tasks = re.findall(r"^#+ ratchet (.+)$", text, re.MULTILINE)
    assert {"prune", "end", "keys", "keys rotate", "doctor", "adopt"} <= set(tasks)
    for task in tasks:
        with pytest.raises(SystemExit):
            call_command("ratchet", *task.split(), "--help")
        section = text.split(f" ratchet {task}\n")[1].split("\n#")[0]
        options = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", capsys.readouterr().out)) - {"--help"}
        assert options == set(re.findall(r"^\| `(--[a-z-]+)", section, re.MULTILINE)), task
    with pytest.raises(SystemExit):
        call_command("ratchet", "--help")
    [named] = set(re.findall(r"^\s+\{([\w,]+)\}", capsys.readouterr().out, re.MULTILINE))
    assert set(named.split(",")) == {task for task in tasks if " " not in task}


def test_each_reason_and_ending_is_there() -> None:
    told = {row[0].strip("`"): row for row in rows("errors")}
    for reason in (*Reason, *EndReason):
        assert len(told[reason.value][1]) > 10, reason


def test_each_code_in_the_code_is_there() -> None:
    files = [
        file
        for file in generate.SOURCES.rglob("*.py")
        if "compat" not in file.parts and "verifier" not in file.parts
    ]
    source = "".join(file.read_text() for file in files)
    codes = set(re.findall(r"""(?:default_code = |\bcode = |"code": )"(\w+)\"""", source))
    assert {"busy", "cross_site", "different_users", "token_not_valid"} <= codes
    assert codes <= {row[1].strip("`") for row in rows("errors") if len(row) > 1}


def test_each_scope_is_there() -> None:
    told = {row[0].strip("`"): row for row in rows("throttles")[2:]}
    assert {name: row[1].strip("`") for name, row in told.items()} == throttling.RATES
    assert all(len(row[2]) > 20 for row in told.values())


def test_each_public_name_of_sessions_is_there() -> None:
    named = set(re.findall(r"^### (\w+)$", page("api"), re.MULTILINE))
    assert set(sessions.__all__) - {"EndReason"} <= named


def test_each_endpoint_is_there() -> None:
    patterns: list[Any] = [*urlpatterns, *browser_urls.urlpatterns, *services_urls.urlpatterns]
    names = [pattern.name for pattern in patterns]
    assert len(names) == 16
    assert [name for name in names if f"`{name}`" not in page("endpoints")] == []
    assert "jwks" in get_resolver().reverse_dict
