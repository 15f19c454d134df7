"""What drf-ratchet uses of allauth beyond its documentation is still what it was.

If one of these tests fails with a new release of allauth, read what has changed there and in
``drf_ratchet.allauth._internals`` before the test is changed.
"""

import ast
import inspect
import re
from collections.abc import Callable
from typing import Any

import pytest
from allauth.account import adapter, signals
from allauth.account.internal.flows import (
    login,
    reauthenticate_by_code,
    reauthentication,
)
from allauth.core import context, exceptions
from allauth.headless.constants import Client
from allauth.headless.internal import authkit, decorators, sessionkit
from allauth.headless.internal.restkit.response import APIResponse
from allauth.headless.tokens.strategies.base import AbstractTokenStrategy
from allauth.headless.tokens.strategies.sessions import SessionTokenStrategy
from allauth.headless.tokens.views import RefreshTokenView
from allauth.mfa.base.internal import flows as mfa
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from allauth.mfa.webauthn.internal.auth import WebAuthn
from allauth.usersessions.models import UserSession
from django.contrib.auth.signals import user_logged_out
from fido2.webauthn import AuthenticatorData

import drf_ratchet.allauth
from drf_ratchet.allauth import _internals
from tests.console import ROOT

pytestmark = pytest.mark.any_database


@pytest.mark.parametrize(
    ("function", "parameters"),
    [
        (is_mfa_enabled, ["user", "types"]),
        (login.get_authentication_records, ["request", "user"]),
        (login.record_authentication, ["request", "user", "method", "extra_data"]),
        (SessionTokenStrategy.get_session_token, ["self", "request"]),
        (SessionTokenStrategy.create_session_token, ["self", "request"]),
        (SessionTokenStrategy.lookup_session, ["self", "session_token"]),
        (AbstractTokenStrategy.create_access_token_payload, ["self", "request"]),
        (AbstractTokenStrategy.refresh_token, ["self", "refresh_token"]),
        (APIResponse.__init__, ["self", "request", "errors", "data", "meta", "status"]),
        (exceptions.ImmediateHttpResponse.__init__, ["self", "response"]),
        (authkit.expose_access_token, ["request"]),
        (sessionkit.expose_session_token, ["request"]),
        (decorators.mark_request_as_headless, ["request", "client"]),
        (UserSession.end, ["self"]),
    ],
    ids=lambda value: getattr(value, "__qualname__", ""),
)
def test_signature(function: Callable[..., Any], parameters: list[str]) -> None:
    assert list(inspect.signature(function).parameters) == parameters


def test_strategy_has_no_further_method() -> None:
    """A new one might hand out a token that is not ours."""
    named = {name for name in vars(AbstractTokenStrategy) if not name.startswith("_")}
    assert named == {
        "create_access_token",
        "create_access_token_payload",
        "create_session_token",
        "get_session_token",
        "lookup_session",
        "openapi_spec",
        "refresh_token",
    }


def test_tokens_are_asked_for_by_the_user_before() -> None:
    """``forget_previous_user`` writes this attribute."""
    source = inspect.getsource(authkit.expose_access_token)
    assert "pre_user = request.allauth.headless._pre_user" in source
    assert "pre_user.is_authenticated and pre_user.pk == request.user.pk" in source
    assert "strategy.create_access_token_payload(request)" in source
    assert "client != Client.APP" in source


def test_session_token_is_asked_for_before_the_access_token() -> None:
    """Then the Django session has its key when it is linked."""
    source = inspect.getsource(APIResponse._add_session_meta)
    assert source.index("expose_session_token") < source.index("expose_access_token")


def test_modified_session_is_saved_at_the_end() -> None:
    assert "request.session.save()" in inspect.getsource(authkit.authentication_context)


def test_clients() -> None:
    assert [one.value for one in Client] == ["app", "browser"]


def test_methods_that_are_recorded() -> None:
    """By the word at each call. A new one is no value of RFC 8176 until we say so."""
    found = set()
    for module in ("account", "mfa", "socialaccount"):
        for file in (ROOT_OF_ALLAUTH / module).rglob("internal/**/*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Call) and _name(node.func) == "record_authentication":
                    named = [one.value for one in node.keywords if one.arg == "method"]
                    method = (named or node.args[2:3] or [None])[0]
                    if isinstance(method, ast.Constant):
                        found.add(method.value)
    assert found == {"password", "password_reset", "code", "mfa", "socialaccount"}


ROOT_OF_ALLAUTH = ROOT.__class__(inspect.getfile(adapter)).parents[1]


def _name(function: ast.expr) -> str:
    return ast.unparse(function).rpartition(".")[2]


def test_extra_data_of_records() -> None:
    source = inspect.getsource(mfa.post_authentication)
    assert '"id": authenticator.pk' in source
    assert '"type": authenticator.type' in source
    source = inspect.getsource(login.record_authentication)
    assert '"method": method' in source
    assert '"at": time.time()' in source


def test_second_factors() -> None:
    assert set(Authenticator.Type.values) == {"totp", "recovery_codes", "webauthn"}
    assert isinstance(WebAuthn.authenticator_data, property)
    assert AuthenticatorData.FLAG.BE == 0x08


def test_logout_is_djangos() -> None:
    """Its signal is sent while the session can still be read."""
    assert signals.user_logged_out is user_logged_out
    assert "django_logout(request)" in inspect.getsource(adapter.DefaultAccountAdapter.logout)


def test_user_session_is_deleted_by_its_instance() -> None:
    """Then Django sends ``post_delete``, by which our session ends."""
    assert "self.delete()" in inspect.getsource(UserSession.end)
    assert UserSession._meta.get_field("session_key").unique


def test_current_request() -> None:
    assert context.request is None
    assert _internals.current_request() is None


def test_refresh_passes_no_request() -> None:
    assert "strategy.refresh_token(refresh_token)" in inspect.getsource(RefreshTokenView.post)


def test_timeouts() -> None:
    assert _internals.login_timeout() == 900
    assert _internals.reauthentication_timeout() == 300


def test_records_are_read_of_the_session_alone() -> None:
    """``authentication_records`` makes a request that has nothing else."""
    source = inspect.getsource(login.get_authentication_records)
    assert set(re.findall(r"request\.(\w+)", source)) == {"session"}


def test_reauthentications_are_marked() -> None:
    for function in (
        reauthentication.reauthenticate_by_password,
        reauthenticate_by_code.ConfirmReauthenticationCodeProcess.finish,
    ):
        assert "reauthenticated=True" in inspect.getsource(function)
    assert 'extra_data["reauthenticated"] = True' in inspect.getsource(mfa.post_authentication)


def test_internals_are_used_in_one_module() -> None:
    """Elsewhere only documented names: signals, and ``UserSession``."""
    folder = ROOT / "src" / "drf_ratchet" / "allauth"
    used = {
        f"{file.name}: {node.module}"
        for file in folder.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.ImportFrom)
        and (node.module or "").split(".")[0] == "allauth"
        and file.name != "_internals.py"
    }
    assert used == {
        "receivers.py: allauth.account.signals",
        "receivers.py: allauth.usersessions.models",
    }


def test_unknown_name_of_the_package() -> None:
    with pytest.raises(AttributeError, match="Nothing"):
        _ = drf_ratchet.allauth.Nothing
