"""The keys in force and what each does: public facts alone."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from drf_ratchet.keyring import keyring
from ratchet_tokens.keys import Key, KeySet

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin

#: Where a key is in its life, as ``manage.py ratchet keys list`` has it.
SIGNING = pgettext_lazy("key", "Signing")
PUBLISHED = pgettext_lazy("key", "Published, signs later")
VERIFYING = pgettext_lazy("key", "Retired, verifies")


@dataclass(frozen=True)
class KeyRow:
    """What is shown of a key.

    Args:
        kid: its id, which each of its tokens names.
        alg: the one algorithm it is used with.
        state: where it is in its life.
        is_published: whether its public half is in the key set that services read.
        signs_from: None where that was always so.
        verifies_until: None where nobody has said.
    """

    kid: str
    alg: str
    state: Any
    is_published: bool
    signs_from: datetime | None
    verifies_until: datetime | None


def rows(keys: KeySet, now: float) -> list[KeyRow]:
    """What is shown of the keys of a set, the one that signs first.

    Args:
        keys: in force.
        now: seconds since 1970.
    """
    return [
        KeyRow(
            key.kid,
            key.alg,
            _state(key, keys, now),
            not key.is_symmetric,
            _moment(key.signs_from),
            _moment(key.verifies_until),
        )
        for key in keys
    ]


def view(model_admin: "ModelAdmin[Any]") -> Callable[[HttpRequest], HttpResponse]:
    """The page, for whoever may see sessions.

    Args:
        model_admin: of the sessions, below whose list it is.
    """

    def keys_view(request: HttpRequest) -> HttpResponse:
        if not model_admin.has_view_permission(request):
            raise PermissionDenied
        request.current_app = model_admin.admin_site.name
        context = {
            **model_admin.admin_site.each_context(request),
            "title": pgettext_lazy("key", "Keys"),
            "subtitle": None,
            "opts": model_admin.opts,
            **_tables(),
        }
        return TemplateResponse(request, "admin/drf_ratchet/session/keys.html", context)

    return keys_view


def _tables() -> dict[str, Any]:
    now = time.time()
    try:
        keys = keyring()
    except ImproperlyConfigured:
        # Its text names files: that is for the server's own log and for the command.
        return {"unusable": True}
    return {
        "tables": [
            (_("Access tokens"), rows(keys.access, now)),
            (_("Refresh tokens"), rows(keys.refresh, now)),
        ]
    }


def _state(key: Key, keys: KeySet, now: float) -> Any:
    if key is keys.signing and key.can_sign:
        return SIGNING
    return PUBLISHED if key.signs_from > now else VERIFYING


def _moment(seconds: float) -> datetime | None:
    """None for a time that no calendar has: since ever, or for ever."""
    if seconds <= 0 or math.isinf(seconds):
        return None
    return datetime.fromtimestamp(seconds, UTC)
