"""The report for a project from drf-jwt or djangorestframework-jwt."""

import ast
from collections.abc import Iterator
from datetime import timedelta
from operator import itemgetter
from pathlib import Path
from typing import Any

from django.core.management.base import OutputWrapper

from drf_ratchet_compat.adopt import report
from drf_ratchet_compat.adopt.report import Effect, Given, Rule
from drf_ratchet_compat.adopt.sources import lines_with, modules
from drf_ratchet_compat.drf_jwt.settings import bad_values, given_jwt_auth

OLD, NEW = "rest_framework_jwt", "drf_ratchet_compat.drf_jwt"

#: Defaults of both packages that a rule asks for.
DEFAULTS: dict[str, Any] = {
    "JWT_ALGORITHM": "HS256",
    "JWT_EXPIRATION_DELTA": timedelta(minutes=5),
}


def _is_short(given: Given) -> bool:
    algorithm = given["JWT_ALGORITHM"]
    first = algorithm if isinstance(algorithm, str) else algorithm[0]
    return report.is_short(given["JWT_SECRET_KEY"], first)


RULES = (
    Rule(
        Effect.DIFFERS,
        "JWT_SECRET_KEY",
        _is_short,
        "is shorter than its algorithm demands (RFC 7518 section 3.2). Old tokens are accepted; "
        "new ones are signed with a key derived from SECRET_KEY.",
    ),
    Rule(
        Effect.SAME,
        "JWT_SECRET_KEY",
        lambda given: report.is_own_secret(given["JWT_SECRET_KEY"]),
        "signs and verifies. Leave it in JWT_AUTH until the last old token has expired.",
    ),
    Rule(
        Effect.DIFFERS,
        "JWT_SECRET_KEY",
        lambda given: not report.is_own_secret(given["JWT_SECRET_KEY"]),
        "is SECRET_KEY: it verifies old tokens, and a key derived from it signs new ones. Services "
        "that verify with SECRET_KEY need a public key (docs/keys.md).",
    ),
    Rule(
        Effect.DIFFERS,
        "JWT_GET_USER_SECRET_KEY",
        itemgetter("JWT_GET_USER_SECRET_KEY"),
        "verifies old tokens and does not sign new ones. A change of a user's key ends all "
        "sessions of that user, as before.",
    ),
    Rule(
        Effect.DIFFERS,
        "JWT_AUTH_COOKIE",
        itemgetter("JWT_AUTH_COOKIE"),
        "is set as before. But it authenticates an unsafe request (POST and the like) only from "
        "pages of this site or of CSRF_TRUSTED_ORIGINS, else 403; drf-jwt accepted every site. "
        "Pages of other sites get no cookie set.",
    ),
    Rule(
        Effect.DIFFERS,
        "JWT_EXPIRATION_DELTA",
        lambda given: report.is_longer(given["JWT_EXPIRATION_DELTA"], timedelta(hours=1)),
        "is longer than an hour. A logout or a new password now ends such tokens too: at once with "
        'FRESHNESS "immediate" (the default), when they expire with "expiry".',
    ),
)


def write(out: OutputWrapper, root: Path) -> None:
    """Print the report.

    Args:
        out: the command's output.
        root: the project's directory.
    """
    out.write(f"From {OLD} to {NEW}, in {root}. It changes nothing.")
    report.heading(out, "Lines to change by hand")
    out.write(f"  Replace {OLD} by {NEW}:")
    places = list(imports(root))
    for place, name in places:
        out.write(f"  {place}: {name}")
    if not places:
        out.write("  none found")
    bad = ((text.rstrip("."), hint) for text, hint in bad_values(given_jwt_auth()))
    report.section(out, "Settings to change", bad)
    report.differences(out, RULES, Given("JWT_AUTH", DEFAULTS))
    jobs = ((place, "manage.py ratchet prune") for place in lines_with(root, "delete_stale_tokens"))
    report.section(out, "Cleanup jobs to replace", jobs)


def imports(root: Path) -> Iterator[tuple[str, str]]:
    """Yield each place in the project's Python files that names drf-jwt, as (place, name).

    Args:
        root: the project's directory.
    """
    for module in modules(root):
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Import):
                named = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                named = [node.module or ""]
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                # A dotted path in settings. Another text may be a secret.
                named = [node.value] if node.value.replace(".", "").isidentifier() else []
            else:
                continue
            for name in named:
                if name.partition(".")[0] == OLD:
                    yield module.at(node), name
