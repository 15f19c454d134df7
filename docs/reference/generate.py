"""Generate the pages of docs/reference from the code: `make reference`.

    python docs/reference/generate.py

The texts come from docstrings, `#:` comments and argparse. To change a page, change them.
"""

from __future__ import annotations

import argparse
import ast
import inspect
import re
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import is_dataclass
from functools import cache
from operator import attrgetter
from pathlib import Path
from types import ModuleType
from typing import Any

HERE = Path(__file__).resolve().parent
SOURCES = HERE.parents[1] / "src" / "drf_ratchet"
BRIDGES = HERE.parents[1] / "packages" / "drf-ratchet-compat" / "src"
NOTE = "<!-- Made by `make reference` out of {source}. Change it there. -->"


def main() -> int:
    _set_up_django()
    for name in PAGES:
        (HERE / name).write_text(page(name))
    return 0


def page(name: str) -> str:
    """Return the text of one of `PAGES`."""
    return f"{PAGES[name]().strip()}\n"


# Settings


def settings_page() -> str:
    from drf_ratchet import conf

    [body] = (
        node.body
        for node in _tree(conf).body
        if isinstance(node, ast.ClassDef) and node.name == "RatchetSettings"
    )
    parts = [
        NOTE.format(source="src/drf_ratchet/conf.py"),
        "# Settings",
        "One dict, `DRF_RATCHET`. Each default is safe. `manage.py check` reports unknown names "
        "and invalid values as errors. Rates are in DRF's setting: [Rate limits](throttles.md).",
        '```python\nDRF_RATCHET = {\n    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=5),\n}\n```',
    ]
    for node in body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            name = node.target.id
            demand, _ = conf._DEMANDS[name]
            parts += [
                f"## {name}",
                _comment_above(conf, node.lineno),
                f"- Type: `{ast.unparse(node.annotation)}`\n"
                f"- Default: `{_default(node.value)}`\n"
                f"- Must be {demand}.",
            ]
    return "\n\n".join(parts)


def _default(value: ast.expr | None) -> str:
    if isinstance(value, ast.Call) and ast.unparse(value.func) == "field":
        [given] = [word.value for word in value.keywords if word.arg != "repr"]
        return "{}" if ast.unparse(given) == "dict" else ast.unparse(given)
    return ast.unparse(value) if value else ""


# Signals


def signals_page() -> str:
    from drf_ratchet import signals

    told, _, after = _prose(inspect.getdoc(signals) or "").partition("\n* ")
    bullets, _, last = after.partition("\n\n")
    rows = []
    for bullet in bullets.split("\n* "):
        name, _, text = " ".join(bullet.split()).partition(": ")
        arguments = ", ".join(f"`{argument}`" for argument in sent_with(name.strip("`")))
        rows.append((name, _sentence(text), arguments))
    return "\n\n".join(
        [
            NOTE.format(source="src/drf_ratchet/signals.py"),
            "# Signals",
            "They are in `drf_ratchet.signals`.",
            told.partition("\n\n")[2],
            _table(("signal", "sent when", "arguments"), rows),
            last,
            textwrap.dedent("""\
                ```python
                from django.dispatch import receiver

                from drf_ratchet.signals import reuse_detected


                @receiver(reuse_detected)
                def warn_the_owner(sender, session, request, **kwargs):
                    session.user.email_user("Sign in again", "Somebody used an old token of yours.")
                ```"""),
        ]
    )


def sent_with(signal: str) -> list[str]:
    """Return the names of the arguments that the code sends a signal with.

    Args:
        signal: the name of the signal.
    """
    found: dict[str, None] = {}
    for call in _calls():
        function = call.func
        if isinstance(function, ast.Attribute) and function.attr in ("send", "send_robust"):
            if ast.unparse(function.value).rpartition(".")[2] == signal:
                found |= {word.arg: None for word in call.keywords if word.arg}
        elif call.args and ast.unparse(call.args[0]) == f"signals.{signal}":
            found |= dict.fromkeys(["session", "request"])
            found |= {word.arg: None for word in call.keywords if word.arg}
    return [name for name in found if name != "sender"]


@cache
def _calls() -> list[ast.Call]:
    files = sorted([*SOURCES.rglob("*.py"), *BRIDGES.rglob("*.py")])
    nodes = (node for file in files for node in ast.walk(ast.parse(file.read_text())))
    return [node for node in nodes if isinstance(node, ast.Call)]


# Commands


def commands_page() -> str:
    from drf_ratchet.management.commands.ratchet import Command

    command = Command()
    parser = command.create_parser("manage.py", "ratchet")
    parts = [
        NOTE.format(source="src/drf_ratchet/management"),
        "# Commands",
        f"`manage.py ratchet`: {_lower(command.help)} Django's own options (`--settings`, "
        "`--verbosity`) stand before the task.",
    ]
    return "\n\n".join([*parts, *_tasks(parser, "ratchet", 2)])


def _tasks(parser: argparse.ArgumentParser, path: str, level: int) -> Iterator[str]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            helps = {one.dest: one.help or "" for one in action._choices_actions}
            for name, task in action.choices.items():
                yield f"{'#' * level} {path} {name}"
                yield _sentence(_prose(helps.get(name, "")).replace("%%", "%"))
                rows = [_option(one) for one in task._actions if _is_option(one)]
                if rows:
                    yield _table(("option", ""), rows)
                yield from _tasks(task, f"{path} {name}", level + 1)


def _is_option(action: argparse.Action) -> bool:
    hidden = argparse._HelpAction, argparse._SubParsersAction
    return not isinstance(action, hidden) and action.help != argparse.SUPPRESS


def _option(action: argparse.Action) -> tuple[str, str]:
    name = action.option_strings[-1] if action.option_strings else action.dest
    if action.nargs != 0 and action.option_strings:
        meant = action.metavar or action.dest.upper()
        name = f"{name} {meant}"
    help = (action.help or "") % vars(action)
    if action.choices:
        choices = "one of " + ", ".join(f"`{one}`" for one in action.choices)
        help = "; ".join(filter(None, [help, choices]))
        if action.default is not None:
            help += f" (default: `{action.default}`)"
    return f"`{name}`", _prose(help)


# Errors


def errors_page() -> str:
    from drf_ratchet.sessions import end_reasons
    from ratchet_tokens import errors

    refused = [
        (f"`{reason.value}`", comment, _quoted(errors.DETAILS[reason]))
        for reason, comment in _members(errors, errors.Reason)
    ]
    ended = [
        (f"`{reason.value}`", comment)
        for reason, comment in _members(end_reasons, end_reasons.EndReason)
    ]
    answers = [(str(status), f"`{code}`", detail) for status, code, detail in sorted(codes())]
    return "\n\n".join(
        [
            NOTE.format(
                source="tokens/errors.py, exceptions.py, sessions/end_reasons.py and the views"
            ),
            "# Errors",
            'The body of an error is `{"detail": "<a sentence>", "code": "<stable>"}`. If a token '
            "was refused, it also has a `reason`. Field errors keep DRF's shape: the field's name "
            "and a list of sentences. Sentences are translated: evaluate `code` and `reason`.",
            "## Codes",
            _table(("status", "`code`", "`detail`"), answers),
            "401 carries `WWW-Authenticate`, 429 and `busy` carry `Retry-After`.",
            "## Reasons",
            "With the code `token_not_valid`. A client need not distinguish them: it refreshes "
            "after a refused access token, and asks the user to sign in after a refused refresh "
            "token.",
            _table(("`reason`", "when", "`detail`"), refused),
            "## Why a session ended",
            "`Session.end_reason`, and the argument `reason` of the signal `session_ended`. A "
            "project may end sessions with reasons of its own.",
            _table(("`end_reason`", "when"), ended),
        ]
    )


def codes() -> Iterator[tuple[int, str, str]]:
    """Yield each (status, code, detail) of the views' errors, except the bridge's."""
    from rest_framework import exceptions as drf

    from drf_ratchet import exceptions
    from drf_ratchet.allauth import exceptions as of_allauth
    from drf_ratchet.browser.cross_site import IsSameOrigin
    from drf_ratchet.services import authentication, ended_sessions

    yield 401, "token_not_valid", "See [Reasons](#reasons)."
    for module in (exceptions, of_allauth, authentication, ended_sessions):
        for kind in vars(module).values():
            is_ours = inspect.isclass(kind) and kind.__module__ == module.__name__
            if is_ours and "default_code" in vars(kind) and kind is not exceptions.TokenNotValid:
                yield kind.status_code, kind.default_code, _quoted(kind.default_detail)
    yield 403, IsSameOrigin.code, _quoted(IsSameOrigin.message["detail"])
    for kind in (
        *(drf.ParseError, drf.NotAuthenticated, drf.PermissionDenied, drf.NotFound),
        *(drf.MethodNotAllowed, drf.NotAcceptable, drf.Throttled),
    ):
        yield kind.status_code, kind.default_code, _quoted(kind.default_detail)


def _quoted(detail: object) -> str:
    return f"“{detail}”"


def _constant(node: ast.expr | None) -> Any:
    """Return the text of the expressions "…" and _("…")."""
    if isinstance(node, ast.Call) and node.args:
        node = node.args[0]
    return node.value if isinstance(node, ast.Constant) else None


# Rate limits


def throttles_page() -> str:
    from drf_ratchet import throttling

    [rates] = (
        node.value
        for node in _tree(throttling).body
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "RATES"
    )
    assert isinstance(rates, ast.Dict)
    rows = []
    for key, value in zip(rates.keys, rates.values, strict=True):
        assert key is not None
        comment = _comment_above(throttling, key.lineno)
        rows.append((f"`{_constant(key)}`", f"`{_constant(value)}`", comment))
    return "\n\n".join(
        [
            NOTE.format(source="src/drf_ratchet/throttling.py"),
            "# Rate limits",
            _prose(inspect.getdoc(throttling) or "").partition("\n\n")[2],
            _table(("scope", "rate", "what is counted"), rows),
            "Change a rate, or switch it off with `None`, in DRF's setting:",
            '```python\nREST_FRAMEWORK = {\n    "DEFAULT_THROTTLE_RATES": {"sign_in": "10/hour"},'
            "\n}\n```",
            "The counts are in the cache that [`THROTTLE_CACHE`](settings.md#throttle_cache) "
            "names. Let all processes share it, and tell DRF how many proxies there are "
            "(`NUM_PROXIES`): [Deployment](../howto/deployment.md). What attackers can still do: "
            "[Security](../security.md#rate-limits-and-their-limits).",
        ]
    )


# The Python API


def api_page() -> str:
    from drf_ratchet import (
        authentication,
        exceptions,
        permissions,
        serializers,
        sessions,
        throttling,
    )
    from drf_ratchet.browser import authentication as browser
    from drf_ratchet.browser import cookies
    from ratchet_tokens import verifier

    wanted: dict[str, Mapping[str, Any]] = {
        "drf_ratchet.sessions": {
            name: getattr(sessions, name)
            # Functions first. Why sessions end is on the page of errors.
            for name in sorted(sessions.__all__, key=lambda name: (name[0].isupper(), name))
            if name != "EndReason"
        },
        "drf_ratchet.authentication": _named(
            authentication,
            *("JWTAuthentication", "JWTAuthentication.authenticate", "ImmediateJWTAuthentication"),
        ),
        "drf_ratchet.exceptions": _named(
            exceptions, "RequestRefused", "TokenNotValid", "CsrfFailed", "Busy"
        ),
        "drf_ratchet.browser.authentication": _named(
            browser, "CookieJWTAuthentication", "ImmediateCookieJWTAuthentication"
        ),
        "drf_ratchet.browser.cookies": _named(cookies, "transport", "set_cookies"),
        "drf_ratchet.permissions": _named(
            permissions, "IsOwner", "RecentSignIn", "RequireAuthentication"
        ),
        "drf_ratchet.serializers": _named(
            serializers,
            "GrantSerializer",
            "TokenObtainPairSerializer",
            *(
                f"TokenObtainPairSerializer.{name}"
                for name in (
                    *("get_credentials", "authenticate", "create", "get_claims"),
                    "get_response_data",
                )
            ),
        ),
        "drf_ratchet.throttling": _named(
            throttling, "SignInThrottle", "SignInThrottle.get_account", "StepUpThrottle"
        ),
        "ratchet_tokens.verifier": _named(
            verifier, "Verifier", "Verifier.verify", "Verifier.verify_async", "Verifier.close"
        ),
    }
    parts = [
        NOTE.format(source="the docstrings"),
        "# Python",
        "The names that a project may call, subclass or use in its settings. Others may change "
        "without notice. `EndReason` and `Reason` are on the page [Errors](errors.md).",
    ]
    for module, objects in wanted.items():
        parts.append(f"## {module}")
        for name, one in objects.items():
            signature = _signature(one, name.rpartition(".")[2])
            parts += [f"### {name}", signature, _described(one)]
    return "\n\n".join(filter(None, parts))


def _named(module: ModuleType, *names: str) -> dict[str, Any]:
    return {name: attrgetter(name)(module) for name in names}


def _signature(one: Any, name: str) -> str:
    """Return a signature as written in the source, so that it is the same on every Python."""
    made = one
    if inspect.isclass(one):
        made = vars(one).get("__init__")
        if not inspect.isfunction(made) or is_dataclass(one):
            return ""  # projects do not instantiate it
    made = inspect.unwrap(made)
    [node] = ast.parse(textwrap.dedent(inspect.getsource(made))).body
    assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    before = "async def " if isinstance(node, ast.AsyncFunctionDef) else ""
    told = node.returns and not inspect.isclass(one)
    returns = f" -> {ast.unparse(node.returns)}" if told else ""
    arguments = list(_arguments(node.args))
    line = f"{before}{name}({', '.join(arguments)}){returns}"
    if len(line) > 88:
        inner = "".join(f"    {argument},\n" for argument in arguments)
        line = f"{before}{name}(\n{inner}){returns}"
    return f"```python\n{line}\n```"


def _arguments(given: ast.arguments) -> Iterator[str]:
    plain = [*given.posonlyargs, *given.args]
    missing = [None] * (len(plain) - len(given.defaults))
    for one, default in zip(plain, [*missing, *given.defaults], strict=True):
        if one.arg not in ("self", "cls"):
            yield _argument(one, default)
    if given.vararg:
        yield f"*{ast.unparse(given.vararg)}"
    elif given.kwonlyargs:
        yield "*"
    for one, default in zip(given.kwonlyargs, given.kw_defaults, strict=True):
        yield _argument(one, default)
    if given.kwarg:
        yield f"**{ast.unparse(given.kwarg)}"


def _argument(one: ast.arg, default: ast.expr | None) -> str:
    said = ast.unparse(one)
    if default is None:
        return said
    return (
        f"{said} = {ast.unparse(default)}" if one.annotation else f"{said}={ast.unparse(default)}"
    )


def _described(one: Any) -> str:
    """Return a docstring as Markdown, with its sections as lists."""
    parts = []
    for block in re.split(r"\n\n+", _prose(inspect.getdoc(one) or "")):
        head, _, rest = block.partition("\n")
        if head in ("Args:", "Raises:", "Returns:", "Yields:"):
            entries = re.split(r"\n(?! )", textwrap.dedent(rest))
            lines = [" ".join(entry.split()) for entry in entries]
            named = [re.sub(r"^([\w, ]+): ", r"`\1`: ", line) for line in lines]
            if head in ("Returns:", "Yields:"):
                parts.append(f"{head[:-1]}: {' '.join(lines)}")
            else:
                what = {"Args:": "Arguments", "Raises:": "Raises"}[head]
                parts.append(f"{what}:\n\n" + "\n".join(f"- {line}" for line in named))
        else:
            parts.append(block)
    return "\n\n".join(parts)


# Reading the sources, and writing Markdown


def _tree(module: ModuleType) -> ast.Module:
    return ast.parse(inspect.getsource(module))


def _comment_above(module: ModuleType, line: int) -> str:
    """Return the comment directly above a line."""
    lines, found = inspect.getsource(module).splitlines(), []
    for text in reversed(lines[: line - 1]):
        if not text.strip().startswith("#"):
            break
        found.append(text.strip().lstrip("#:").strip())
    return _prose(" ".join(reversed(found)))


def _members(module: ModuleType, enum: Any) -> Iterator[tuple[Any, str]]:
    """Yield each member of an enum and the comment above it."""
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.ClassDef) and node.name == enum.__name__:
            for line in node.body:
                if isinstance(line, ast.Assign):
                    member = enum[ast.unparse(line.targets[0])]
                    yield member, _comment_above(module, line.lineno)


def _prose(text: str) -> str:
    """Turn the double backticks of docstrings into the single ones of Markdown."""
    return text.replace("``", "`")


def _sentence(text: str) -> str:
    text = text[:1].upper() + text[1:]
    return text if not text or text.endswith((".", ")")) else f"{text}."


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines
    )


def _set_up_django() -> None:
    import django
    from django.conf import settings

    settings.configure(
        SECRET_KEY="for the reference alone",
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "rest_framework",
            "drf_ratchet",
        ],
        USE_I18N=False,
    )
    django.setup()


#: The page of each file.
PAGES = {
    "settings.md": settings_page,
    "signals.md": signals_page,
    "commands.md": commands_page,
    "errors.md": errors_page,
    "throttles.md": throttles_page,
    "api.md": api_page,
}

if __name__ == "__main__":
    sys.exit(main())
