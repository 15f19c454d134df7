"""What is wrong with ``JWT_AUTH``, before anything runs. Each has a section in docs/checks.md."""

import difflib
import inspect
from collections.abc import Iterator, Mapping
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.utils.module_loading import import_string
from django.views.debug import SafeExceptionReporterFilter, get_default_exception_reporter_filter

from drf_ratchet.conf import ratchet_settings, why_unimportable
from drf_ratchet_compat.drf_jwt.demands import DEMANDS
from drf_ratchet_compat.drf_jwt.generations import DEFAULT_GENERATION
from drf_ratchet_compat.drf_jwt.new_keys import has_unfit_key
from drf_ratchet_compat.drf_jwt.settings import (
    IMPORT_STRINGS,
    NAME,
    bad_values,
    given_jwt_auth,
)

_RESPONSE = "JWT_RESPONSE_PAYLOAD_HANDLER"


@register(Tags.security)
def check_jwt_auth(**kwargs: Any) -> list[CheckMessage]:
    """E001 to E003, W001, W002, W004 and W005 of ``ratchet_drf_jwt``."""
    given = given_jwt_auth()
    bad = [Error(text, hint=hint, id="ratchet_drf_jwt.E001") for text, hint in bad_values(given)]
    if bad or not isinstance(given, Mapping):
        return [*bad, *_unknown(given)]
    return [*_unknown(given), *_handlers(given), *_keys(given), *_cookies(given)]


def _unknown(given: Any) -> Iterator[CheckMessage]:
    for name in given if isinstance(given, Mapping) else ():
        if name not in DEMANDS:
            near = difflib.get_close_matches(str(name).upper(), DEMANDS, n=1)
            yield Warning(
                f"{NAME} has no setting {name!r}: it is ignored, as the old package ignored it.",
                hint=f"Did you mean {near[0]!r}?" if near else "Delete the line.",
                id="ratchet_drf_jwt.W001",
            )


def _handlers(given: Mapping[str, Any]) -> Iterator[CheckMessage]:
    for name in IMPORT_STRINGS:
        handler = given.get(name)
        if isinstance(handler, str):
            problem = why_unimportable(handler)
            if problem:
                yield Error(
                    f"{NAME}[{name!r}] {problem}.",
                    hint="A path that begins with rest_framework_jwt begins with "
                    f"{__package__} now.",
                    id="ratchet_drf_jwt.E002",
                )
                continue
            handler = import_string(handler)
        newer = given.get("JWT_GENERATION", DEFAULT_GENERATION) == "1.19"
        if name == _RESPONSE and handler is not None and newer and not _takes_four(handler):
            yield Error(
                f"{NAME}[{_RESPONSE!r}] takes no issued_at, which 1.19 hands it.",
                hint="For a project that comes from 1.11 write 'JWT_GENERATION': '1.11'; else let "
                "it take (token, user=None, request=None, issued_at=None).",
                id="ratchet_drf_jwt.E003",
            )


def _takes_four(handler: Any) -> bool:
    try:
        inspect.signature(handler).bind("", None, None, None)
    except TypeError:
        return False
    except ValueError:
        return True  # nobody can tell
    return True


def _keys(given: Mapping[str, Any]) -> Iterator[CheckMessage]:
    if has_unfit_key(given):
        yield Warning(
            f"{NAME} names a key that is too short for its algorithm, or does not fit it: new "
            "tokens are signed with a key derived from SECRET_KEY instead.",
            hint="Old tokens go on being accepted with it until they expire; then write "
            "'JWT_LEGACY_KEYS': () and delete the key.",
            id="ratchet_drf_jwt.W002",
        )
    ours = {"JWT_ISSUER": "ISSUER", "JWT_AUDIENCE": "AUDIENCE"}
    for name, own in ours.items():
        if given.get(name) and getattr(ratchet_settings(), own) != given[name]:
            yield Warning(
                f"{NAME}[{name!r}] and DRF_RATCHET[{own!r}] differ: new tokens say the latter.",
                hint=f"Delete {name!r} once the old tokens have expired.",
                id="ratchet_drf_jwt.W004",
            )


def _cookies(given: Mapping[str, Any]) -> Iterator[CheckMessage]:
    # A project's own filter may be made otherwise; then nobody can tell, and Django's is asked.
    masks = getattr(get_default_exception_reporter_filter(), "hidden_settings", None)
    masks = masks or SafeExceptionReporterFilter.hidden_settings
    for name in ("JWT_AUTH_COOKIE", "JWT_IMPERSONATION_COOKIE"):
        cookie = given.get(name)
        if cookie and not masks.search(cookie):
            yield Warning(
                f"{NAME}[{name!r}] is {cookie!r}: Django's error reports show a cookie of that "
                "name, and whoever reads one is signed in.",
                hint="Choose a name that contains 'token'. Browsers that hold the old cookie sign "
                "in once more.",
                id="ratchet_drf_jwt.W005",
            )
