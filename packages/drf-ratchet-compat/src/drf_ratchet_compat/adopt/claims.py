"""The project's own claims, as they are set in its code."""

import ast
import warnings
from collections.abc import Iterator
from typing import NamedTuple

#: Names that mean something to us or to RFC 7519, 8693, 7800 and OpenID Connect.
REGISTERED = frozenset(
    {"sub", "iss", "aud", "exp", "nbf", "iat", "jti", "sid", "auth_time", "client_id"}
    | {"act", "cnf", "gen", "token_type"}
)
#: The hooks of the old packages in which projects set claims.
_HOOKS = frozenset({"get_token", "for_user", "jwt_payload_handler", "jwt_create_payload"})


class OwnClaim(NamedTuple):
    """A claim of a registered name that a project sets.

    Args:
        name: the claim's.
        line: where, counted from 1.
    """

    name: str
    line: int


def own_registered_claims(text: str) -> Iterator[OwnClaim]:
    """The claims with registered names that are set in overrides of ``get_token`` and the like.

    Found are ``token["sub"] = …``, ``token.payload["sub"] = …``, ``payload.update({"sub": …})``
    and ``{"sub": …}``; a name that is computed is not.

    Args:
        text: a Python file's. One that is none has no claims.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef) and function.name in _HOOKS:
            for node in ast.walk(function):
                yield from _set_by(node)


def _set_by(node: ast.AST) -> Iterator[OwnClaim]:
    keys: list[ast.expr | None] = []
    if isinstance(node, ast.Assign):
        keys = [target.slice for target in node.targets if isinstance(target, ast.Subscript)]
    elif isinstance(node, ast.AnnAssign | ast.AugAssign) and isinstance(node.target, ast.Subscript):
        keys = [node.target.slice]
    elif isinstance(node, ast.Dict):
        keys = node.keys
    elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "update":
        named = (word for word in node.keywords if word.arg in REGISTERED)
        yield from (OwnClaim(str(word.arg), word.value.lineno) for word in named)
    for key in keys:
        if isinstance(key, ast.Constant) and key.value in REGISTERED:
            yield OwnClaim(str(key.value), key.lineno)
