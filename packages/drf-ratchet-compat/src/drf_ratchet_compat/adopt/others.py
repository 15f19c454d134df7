"""Installed apps that import the old package by its name, where a renaming does not reach."""

import ast
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.apps import apps

from drf_ratchet_compat.adopt.packages import OldPackage
from drf_ratchet_compat.adopt.sources import Unreadable, read

#: What cannot import it, or is us.
_NEVER = frozenset({"django", "rest_framework", "drf_ratchet", "drf_ratchet_compat"})

#: What to do, by the name of the package. Known ones; the rest get a sentence that fits all.
ADVICE = {
    "dj_rest_auth": (
        "its JWT mode makes simplejwt's tokens itself. Set REST_AUTH['USE_JWT'] to False and sign "
        "in with drf_ratchet's views; or let its login end in drf_ratchet.sessions.open_session(), "
        "by a LOGIN_VIEW of your own."
    ),
    "djoser": (
        'include("djoser.urls.jwt") serves simplejwt\'s views. Put the three views of '
        "{replacement}.views at jwt/create/, jwt/refresh/ and jwt/verify/ in its place; the rest "
        "of djoser stays."
    ),
    "drf_spectacular": (
        "it describes simplejwt's authentication class by its name. The schema lacks the scheme "
        "until you add an OpenApiAuthenticationExtension for {replacement}.authentication."
        "JWTAuthentication; nothing else changes."
    ),
    "rest_social_auth": (
        "its JWT views make simplejwt's tokens. Use its session or token views' do_login() to call "
        "drf_ratchet.sessions.open_session() instead."
    ),
    "drf_social_oauth2": (
        "it makes tokens of its own. Let its conversion end in drf_ratchet.sessions.open_session()."
    ),
}
ANY_OTHER = (
    "what it makes and checks stays the old package's, with tokens that ours do not replace. Keep "
    "the old package installed for it, or end its sign-in in drf_ratchet.sessions.open_session()."
)


@dataclass(frozen=True, slots=True)
class Importer:
    """An app that is not the project's and imports the old package.

    Args:
        name: the package's name.
        places: its files that do, as the package's own path has them.
        advice: what to do.
    """

    name: str
    places: tuple[str, ...]
    advice: str


def importers(package: OldPackage, root: Path) -> Iterator[Importer]:
    """The installed apps outside of the project that import the old package.

    Args:
        package: which one.
        root: the project's directory. Its own apps are renamed, and so not among them.
    """
    found: dict[str, list[str]] = {}
    for name, place in _others(package, root):
        for path in sorted(place.rglob("*.py")):
            # Its own tests do not run in the project.
            if "tests" not in path.relative_to(place).parts and _imports(path, package):
                found.setdefault(name, []).append(str(path.relative_to(place.parent)))
    for name, places in found.items():
        advice = ADVICE.get(name, ANY_OTHER).format(replacement=package.replacement)
        yield Importer(name, tuple(dict.fromkeys(places)), advice)


def _others(package: OldPackage, root: Path) -> Iterator[tuple[str, Path]]:
    for config in apps.get_app_configs():
        name = config.name.partition(".")[0]
        place = Path(config.path)
        ours = place.resolve().is_relative_to(root.resolve()) and not _is_installed(place)
        if name not in _NEVER and name != package.module and not ours:
            yield name, place


def _is_installed(place: Path) -> bool:
    """Whether it lies in a virtual environment, wherever that is."""
    return bool({"site-packages", "dist-packages"} & set(place.parts))


def _imports(path: Path, package: OldPackage) -> bool:
    try:
        text = read(path).text
        if package.module not in text:
            return False
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (Unreadable, SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return any(package.is_within(name) for node in ast.walk(tree) for name in _imported(node))


def _imported(node: ast.AST) -> Iterator[str | None]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and not node.level:
        yield node.module
