"""The public names of both generations, and what docs/migrating.md says of each."""

import ast
import importlib.util
import re
from pathlib import Path

DOCS = Path(__file__).resolve().parents[5] / "docs"

SECTION = "## From djangorestframework-jwt or drf-jwt"

#: djangorestframework-jwt 1.11, which is not installable beside today's Django.
OLDER = {
    "authentication": {"BaseJSONWebTokenAuthentication", "JSONWebTokenAuthentication"},
    "compat": {"PasswordField", "Serializer", "get_username", "get_username_field"},
    "serializers": {
        "JSONWebTokenSerializer",
        "RefreshJSONWebTokenSerializer",
        "VerificationBaseSerializer",
        "VerifyJSONWebTokenSerializer",
    },
    "settings": {"DEFAULTS", "IMPORT_STRINGS", "api_settings"},
    "utils": {
        "jwt_decode_handler",
        "jwt_encode_handler",
        "jwt_get_secret_key",
        "jwt_get_user_id_from_payload_handler",
        "jwt_get_username_from_payload_handler",
        "jwt_payload_handler",
        "jwt_response_payload_handler",
    },
    "views": {
        "JSONWebTokenAPIView",
        "ObtainJSONWebToken",
        "RefreshJSONWebToken",
        "VerifyJSONWebToken",
        "obtain_jwt_token",
        "refresh_jwt_token",
        "verify_jwt_token",
    },
}

SETTINGS = [
    *("JWT_ENCODE_HANDLER", "JWT_DECODE_HANDLER", "JWT_PAYLOAD_HANDLER"),
    *("JWT_PAYLOAD_GET_USER_ID_HANDLER", "JWT_PAYLOAD_GET_USERNAME_HANDLER"),
    *("JWT_RESPONSE_PAYLOAD_HANDLER", "JWT_PRIVATE_KEY", "JWT_PUBLIC_KEY", "JWT_SECRET_KEY"),
    *("JWT_GET_USER_SECRET_KEY", "JWT_ALGORITHM", "JWT_VERIFY", "JWT_VERIFY_EXPIRATION"),
    *("JWT_LEEWAY", "JWT_EXPIRATION_DELTA", "JWT_AUDIENCE", "JWT_ISSUER", "JWT_ALLOW_REFRESH"),
    *("JWT_REFRESH_EXPIRATION_DELTA", "JWT_AUTH_HEADER_PREFIX", "JWT_AUTH_COOKIE"),
    *("JWT_INSIST_ON_KID", "JWT_TOKEN_ID", "JWT_PAYLOAD_INCLUDE_USER_ID"),
    *("JWT_AUTH_COOKIE_DOMAIN", "JWT_AUTH_COOKIE_PATH", "JWT_AUTH_COOKIE_SECURE"),
    *("JWT_AUTH_COOKIE_SAMESITE", "JWT_IMPERSONATION_COOKIE"),
    *("JWT_DELETE_STALE_BLACKLISTED_TOKENS", "JWT_AUTH_TOKEN_CLASSES"),
]


def NEWER() -> dict[str, set[str]]:
    """What the drf-jwt that is installed defines, by module; imports are nobody's names."""
    spec = importlib.util.find_spec("rest_framework_jwt")
    assert spec is not None
    assert spec.origin is not None
    root = Path(spec.origin).parent
    found = {}
    for file in root.rglob("*.py"):
        module = ".".join(file.relative_to(root).with_suffix("").parts)
        if "migrations" not in module:
            names = {name for name in _defined(ast.parse(file.read_text())) if name[0] != "_"}
            found[module.removesuffix("__init__").rstrip(".")] = names
    return found


def _defined(tree: ast.Module) -> list[str]:
    names = []
    for node in tree.body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            names.append(node.name)
        elif isinstance(node, ast.Assign):
            names += [target.id for target in node.targets if isinstance(target, ast.Name)]
        elif isinstance(node, ast.If):
            names += _defined(ast.Module(node.body, []))
    return names


def kinds() -> dict[str, str]:
    """Each name of the tables, and whether it is "same", "differs" or "not there"."""
    parts = [DOCS / "migrating.md"]
    text = "\n".join(part.read_text() for part in parts if part.exists())
    # Until the next section of that rank: simplejwt's names have tables too.
    text = text.partition(f"\n{SECTION}")[2] if SECTION not in text[:99] else text
    text = text.partition("\n## ")[0]
    rows = re.findall(r"^\| ((?:`[\w.]+`(?:, )?)+) \| (same|differs|not there)\b", text, re.M)
    return {name: kind for names, kind in rows for name in re.findall(r"`([\w.]+)`", names)}
