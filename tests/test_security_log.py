"""One event is one line in the log, whatever a client sent."""

import ast
import logging
from pathlib import Path
from typing import Any

import pytest
from django.test import RequestFactory
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.views import APIView

import drf_ratchet
from drf_ratchet.browser.cross_site import IsSameOrigin
from drf_ratchet.models import Session
from drf_ratchet.security_log import one_line
from drf_ratchet.sessions.ending import report_ending
from drf_ratchet_compat.drf_jwt import authentication as drf_jwt

pytestmark = pytest.mark.any_database

#: Each ends a line for some reader of logs, or moves its cursor.
ENDS = ["\n", "\r", "\r\n", "\v", "\f", "\x1b[2K", "\x85", "\u2028", "\u2029", "\x00", "\x9b"]
FORGED = "2030-01-01 CRITICAL root: forged"


@pytest.mark.parametrize("end", ENDS)
def test_one_line(end: str) -> None:
    line = one_line(f"/a{end}{FORGED}")
    assert line.isprintable()
    assert line.isascii()
    assert line.startswith("/a\\")
    assert line.endswith(FORGED)


def test_it_is_short() -> None:
    assert len(one_line("x" * 1_000_000)) == 200
    assert len(one_line("\U0001f512" * 1_000_000)) <= 2000


@pytest.mark.parametrize("end", ENDS)
def test_a_path(end: str, caplog: pytest.LogCaptureFixture, settings: Any) -> None:
    request = Request(RequestFactory().post("/", HTTP_ORIGIN=f"https://a{end}{FORGED}"))
    request._request.path = f"/a{end}{FORGED}"
    assert not IsSameOrigin().has_permission(request, APIView())
    settings.JWT_AUTH = {"JWT_AUTH_COOKIE": "jwt"}
    request._request.COOKIES["jwt"] = "x"
    with pytest.raises(exceptions.PermissionDenied):
        drf_jwt._demand_same_origin(request, "x")

    assert len(caplog.records) == 2
    assert all(record.getMessage().isprintable() for record in caplog.records)


def test_a_users_key_and_a_projects_reason(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    report_ending(Session(user_id=f"1\n{FORGED}"), f"lost\n{FORGED}", None)
    [record] = caplog.records
    assert record.getMessage().isprintable()


def test_no_log_line_takes_a_request_as_it_is() -> None:
    """What is read of a request goes through one_line(), or is shown by %r."""
    found = []
    for file in Path(drf_ratchet.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            if "log" not in ast.unparse(node.func.value):
                continue
            for argument in node.args[1:]:
                text = ast.unparse(argument)
                if text.startswith("request.path") or ".user_id" in text.partition("(")[0]:
                    found.append(f"{file.name}: {text}")
    assert found == []
