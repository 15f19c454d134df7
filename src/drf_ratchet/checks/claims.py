"""Check the names of a project's own claims, as far as its source spells them out."""

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, Warning, register

from drf_ratchet.checks.settings import usable_settings
from ratchet_tokens.claims import REGISTERED_CLAIMS

#: Matched at the end of a name: "refresh_token" looks secret, "token_version" does not.
_SECRETS = re.compile(
    r"(^|_)(password|passwd|passphrase|passcode|password_hash|secret|secret_key|token|api_key|"
    r"apikey|private_key|otp|pin|cvv|ssn|card_number)$"
)


@register(Tags.security)
def check_claims(**kwargs: Any) -> list[CheckMessage]:
    """Report E008: a claim has a registered name. Report W012: a claim looks like a secret."""
    chosen = usable_settings()
    try:
        make = chosen.claims
    except Exception:
        make = None  # E002 reports it
    names = claim_names(make) if callable(make) else set()
    taken = sorted(names & REGISTERED_CLAIMS.union([chosen.USER_ID_CLAIM]))
    secret = sorted(name for name in {*names, chosen.USER_ID_CLAIM} if looks_secret(name))
    found: list[CheckMessage] = []
    if taken:
        found.append(
            Error(
                "DRF_RATCHET['CLAIMS'] returns claims that drf-ratchet writes or checks itself: "
                f"{', '.join(taken)}.",
                hint="Every sign-in would fail. Choose other names.",
                id="ratchet.E008",
            )
        )
    if secret:
        found.append(
            Warning(
                f"Claims look like secrets: {', '.join(secret)}.",
                hint="A token is signed, not encrypted: everyone who holds it can read its claims. "
                "Leave them out, or rename them if they hold nothing secret.",
                id="ratchet.W012",
            )
        )
    return found


def looks_secret(name: str) -> bool:
    """Return whether the name of a claim suggests that its value is secret."""
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    return _SECRETS.search(re.sub(r"[^a-z0-9]+", "_", snake)) is not None


def claim_names(make: Callable[..., Any]) -> set[str]:
    """Return the names of claims that a function's source spells out, without calling it.

    Recognizes ``return {"role": …}``, ``return dict(role=…)``, and a returned variable that was
    assigned one of them.

    Args:
        make: the function that ``CLAIMS`` names.
    """
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(make)))
    except (OSError, TypeError, SyntaxError, ValueError):
        return set()  # no source, or not a whole statement, as with a lambda inside a call
    function = next(
        (node for node in tree.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))),
        None,
    )
    if function is None:
        return set()
    nodes = [node for statement in function.body for node in _own(statement)]
    returned = [node.value for node in nodes if isinstance(node, ast.Return) and node.value]
    variables = {value.id for value in returned if isinstance(value, ast.Name)}
    names = {name for value in returned for name in _keys(value)}
    for node in nodes:
        for target, value in _assigned(node):
            if isinstance(target, ast.Name) and target.id in variables:
                names.update(_keys(value))
            elif (
                isinstance(target, ast.Subscript)
                and isinstance(target.value, ast.Name)
                and target.value.id in variables
            ):
                names.update(_constant(target.slice))
    return names


def _own(node: ast.AST) -> Iterator[ast.AST]:
    """Yield a node and its descendants, without the functions and classes defined there."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
        return
    yield node
    for child in ast.iter_child_nodes(node):
        yield from _own(child)


def _assigned(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    if isinstance(node, ast.Assign):
        yield from ((target, node.value) for target in node.targets)
    elif isinstance(node, ast.AnnAssign) and node.value is not None:
        yield node.target, node.value


def _keys(value: ast.expr) -> Iterator[str]:
    if isinstance(value, ast.Dict):
        for key in value.keys:
            if key is not None:  # None stands for **mapping
                yield from _constant(key)
    elif isinstance(value, ast.Call) and ast.unparse(value.func) == "dict":
        yield from (keyword.arg for keyword in value.keywords if keyword.arg)


def _constant(value: ast.expr) -> Iterator[str]:
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        yield value.value
