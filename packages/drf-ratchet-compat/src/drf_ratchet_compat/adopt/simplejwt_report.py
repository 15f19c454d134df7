"""The report for a project on simplejwt. The project keeps its imports and settings."""

import ast
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.management.base import OutputWrapper
from django.utils.module_loading import import_string
from rest_framework_simplejwt.settings import DEFAULTS

from drf_ratchet_compat.adopt import report
from drf_ratchet_compat.adopt.report import Effect, Given, Rule
from drf_ratchet_compat.adopt.sources import Module, lines_with, modules

OLD, BRIDGE = "rest_framework_simplejwt", "drf_ratchet_compat.simplejwt"
BLACKLIST_APP = f"{OLD}.token_blacklist"


def rotates(given: Given) -> bool:
    """Return whether a refresh uses up its token; without BLACKLIST_AFTER_ROTATION it does not."""
    return bool(given["ROTATE_REFRESH_TOKENS"] and given["BLACKLIST_AFTER_ROTATION"])


def _lists_tokens() -> bool:
    return apps.is_installed(BLACKLIST_APP)


def _is_none(name: str) -> Callable[[Given], bool]:
    return lambda given: given[name] is None


def _is_own(name: str) -> Callable[[Given], bool]:
    return lambda given: bool(given[name] != DEFAULTS[name])


RULES = (
    *(
        Rule(
            Effect.REFUSED,
            f"{name} = None",
            _is_none(name),
            f"stops the start: {why}. Remove the line.",
        )
        for name, why in (
            ("JTI_CLAIM", "a token without an id belongs to no session"),
            ("TOKEN_TYPE_CLAIM", "nothing tells a refresh token from an access token"),
        )
    ),
    Rule(
        Effect.SAME,
        "ROTATE_REFRESH_TOKENS = False",
        lambda given: not given["ROTATE_REFRESH_TOKENS"],
        "the client keeps its refresh token, and a logout ends the session. Theft is not detected; "
        "with True and BLACKLIST_AFTER_ROTATION it is.",
    ),
    Rule(
        Effect.SAME,
        "BLACKLIST_AFTER_ROTATION = False",
        lambda given: given["ROTATE_REFRESH_TOKENS"] and not given["BLACKLIST_AFTER_ROTATION"],
        "used refresh tokens stay valid until they expire. Theft is not detected; with True it is.",
    ),
    Rule(
        Effect.DIFFERS,
        "BLACKLIST_AFTER_ROTATION = True",
        lambda given: rotates(given) and _lists_tokens(),
        "requests that refresh at the same time get the same next token, and a lost response can "
        "be asked for again within ROTATION_GRACE. A used token that comes later is reuse: it ends "
        "the session.",
    ),
    Rule(
        Effect.DIFFERS,
        "BLACKLIST_AFTER_ROTATION = True",
        lambda given: rotates(given) and not _lists_tokens(),
        "simplejwt ignores it, because its token_blacklist app is not installed. Here used refresh "
        "tokens are refused. Set it to False if clients keep using theirs.",
    ),
    Rule(
        Effect.DIFFERS,
        "token_blacklist is not installed",
        lambda given: not _lists_tokens(),
        "simplejwt keeps no list of its refresh tokens. Each becomes a session at its first "
        "refresh, and is in no list of devices before.",
    ),
    Rule(
        Effect.DIFFERS,
        "AUTH_TOKEN_CLASSES",
        lambda given: any("Sliding" in str(each) for each in given["AUTH_TOKEN_CLASSES"]),
        "sliding tokens stay valid after a refresh, and their refresh_exp is the session's end. "
        "They are not imported; each becomes a session when it is used.",
    ),
    Rule(
        Effect.SAME,
        "AUTH_TOKEN_CLASSES",
        lambda given: any(not str(each).startswith(OLD) for each in given["AUTH_TOKEN_CLASSES"]),
        "token classes of your own whose type is not simplejwt's have no session.",
    ),
    Rule(
        Effect.SAME,
        "USER_AUTHENTICATION_RULE",
        _is_own("USER_AUTHENTICATION_RULE"),
        "is asked where simplejwt asks it.",
    ),
    *(
        Rule(
            Effect.SAME,
            name,
            _is_own(name),
            "is yours. It takes part as far as it calls super(); what it does instead is not "
            "reached.",
        )
        for name in DEFAULTS
        if name.endswith("_SERIALIZER")
    ),
    Rule(
        Effect.DIFFERS,
        "ACCESS_TOKEN_LIFETIME",
        lambda given: report.is_longer(given["ACCESS_TOKEN_LIFETIME"], timedelta(0)),
        "a logout also ends the access tokens of the session: at once with FRESHNESS "
        '"immediate" (the default), when they expire with "expiry". In simplejwt they stay valid.',
    ),
    Rule(
        Effect.DIFFERS,
        "REFRESH_TOKEN_LIFETIME",
        lambda given: report.is_longer(given["REFRESH_TOKEN_LIFETIME"], report.session_lifetime()),
        "is longer than DRF_RATCHET['SESSION_LIFETIME'], so sessions end earlier, and older tokens "
        "are not imported.",
    ),
    Rule(
        Effect.DIFFERS,
        "SIGNING_KEY",
        lambda given: report.is_short(
            given["SIGNING_KEY"] or settings.SECRET_KEY, given["ALGORITHM"]
        ),
        "is shorter than its algorithm demands (RFC 7518 section 3.2). It goes on signing. An "
        "attacker who finds it signs in as anyone: use a longer one.",
    ),
    Rule(
        Effect.SAME,
        "SIGNING_KEY",
        lambda given: True,
        "signs both kinds of tokens, which only their type tells apart. With our own views they "
        "have separate keys.",
    ),
)

#: New behavior: (what, the setting that turns it on, what to write).
OPTIONAL = (
    ("a new password ends the user's sessions", "USER_CHANGES_END_SESSIONS", "True"),
    ("a session has an absolute lifetime", "SESSION_LIFETIME", "timedelta(days=90)"),
    ("a user has a limit of sessions", "MAX_SESSIONS_PER_USER", "10"),
)

#: simplejwt's views, and what replaces each and its serializer in a later move to native.
NATIVE = {
    "TokenObtainPairView": "TokenObtainPairView, with SIGN_IN_SERIALIZER for further fields",
    "TokenRefreshView": "TokenRefreshView; it needs no serializer of yours",
    "TokenVerifyView": "TokenVerifyView",
    "TokenBlacklistView": "LogoutView, and LogoutAllView for all devices",
}
_BASES = {
    "serializers.TokenObtainPairSerializer": "its claims: a function in DRF_RATCHET['CLAIMS']; "
    "its fields: DRF_RATCHET['SIGN_IN_SERIALIZER']",
    "authentication.JWTAuthentication": "a token in a cookie: drf_ratchet.browser, with CSRF "
    "protection",
}
_CALLS = {
    "tokens.RefreshToken.for_user": "drf_ratchet.sessions.open_session(user, request=request)",
    "tokens.RefreshToken.blacklist": "drf_ratchet.views.LogoutView",
    "token_blacklist.models.OutstandingToken.objects.filter": "drf_ratchet.sessions."
    "end_all_sessions(user), or active_sessions(user) for a list of devices",
}


def write(out: OutputWrapper, root: Path) -> None:
    """Print the report, without what is to be imported.

    Args:
        out: the command's output.
        root: the project's directory.
    """
    out.write(f"The bridge under {OLD}, in {root}. It changes nothing.")
    if not apps.is_installed(BRIDGE):
        out.write(f'Imports and settings stay. Add "drf_ratchet" and "{BRIDGE}" to INSTALLED_APPS.')
    report.differences(out, RULES, Given("SIMPLE_JWT", DEFAULTS))
    report.section(out, "New, and off until you turn it on", _optional())
    # Tests are full of tokens that are decoded by hand.
    found = [module for module in modules(root) if not _is_test(module.name)]
    report.section(
        out, "Not reached by the bridge", (each for module in found for each in unreached(module))
    )
    jobs = ((place, "manage.py ratchet prune") for place in lines_with(root, "flushexpiredtokens"))
    report.section(out, "Cleanup jobs to replace", jobs)
    report.section(out, "Later: less code with our own classes", _shorter(found))


def _optional() -> Iterator[tuple[str, str]]:
    own = getattr(settings, "DRF_RATCHET", None)
    given: Mapping[str, Any] = own if isinstance(own, Mapping) else {}
    for what, name, value in OPTIONAL:
        on = given.get(name)
        yield what, "is on." if on else f'DRF_RATCHET = {{..., "{name}": {value}}}'
    yield (
        "attempts to sign in are limited",
        "put drf_ratchet.throttling.SignInThrottle into the sign-in view's throttle_classes.",
    )


def unreached(module: Module) -> Iterator[tuple[str, str]]:
    """Yield what a file does beside the methods that the bridge replaces, as (place, text).

    Args:
        module: a file of the project.
    """
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Assign | ast.AnnAssign):
            path = module.path_of(node.value) if isinstance(node.value, ast.Attribute) else ""
            if _is_method(path):
                yield (
                    module.at(node),
                    f"saves the method {path.rpartition(f'{OLD}.')[2]} before the bridge replaces "
                    "it. Call it on the class instead.",
                )
        elif isinstance(node, ast.ClassDef):
            verifies = any(getattr(member, "name", "") == "verify" for member in node.body)
            if verifies and f"{OLD}.tokens.Token" in map(module.path_of, node.bases):
                yield (
                    module.at(node),
                    f"{node.name} is a subclass of Token with its own verify(): its tokens are "
                    "verified by that alone, and no session is looked up.",
                )
        elif isinstance(node, ast.Call) and _decodes(module, node.func):
            yield (
                module.at(node),
                "decodes a token itself: it sees neither a logout nor reuse. Use "
                "AccessToken(text) instead.",
            )


def _is_method(path: str) -> bool:
    if not path.startswith(f"{OLD}."):
        return False
    try:
        owner = import_string(path.rpartition(".")[0])
    except (ImportError, ValueError):
        return False
    return isinstance(owner, type) and callable(getattr(owner, path.rpartition(".")[2], None))


def _decodes(module: Module, function: ast.expr) -> bool:
    path = module.path_of(function)
    if path in ("jwt.decode", f"{OLD}.backends.TokenBackend.decode"):
        return True
    if not isinstance(function, ast.Attribute) or function.attr != "decode":
        return False
    of = function.value.func if isinstance(function.value, ast.Call) else function.value
    name = of.attr if isinstance(of, ast.Attribute) else getattr(of, "id", "")
    return name in ("token_backend", "get_token_backend")


def _shorter(found: list[Module]) -> Iterator[tuple[str, str]]:
    try:
        for route, view, base in report.served(OLD):
            if base in NATIVE:
                name = f"{view.__module__}.{view.__qualname__}"
                yield route, f"{name} -> drf_ratchet.views.{NATIVE[base]}"
    # Whatever the project's URLconf raises. The rest of the report does not need it.
    except Exception as error:
        yield "ROOT_URLCONF", f"cannot be imported: {type(error).__name__}"
    for module in found:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ClassDef):
                paths = [path.removeprefix(f"{OLD}.") for path in map(module.path_of, node.bases)]
                for path in paths:
                    if path in _BASES:
                        yield module.at(node), f"{node.name}: {_BASES[path]}"
            elif isinstance(node, ast.Call):
                path = module.path_of(node.func).removeprefix(f"{OLD}.")
                if path in _CALLS:
                    yield module.at(node), _CALLS[path]


def _is_test(name: str) -> bool:
    *directories, file = name.split("/")
    return file.startswith("test") or file == "conftest.py" or "tests" in directories
