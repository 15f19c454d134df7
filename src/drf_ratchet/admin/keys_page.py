"""Show the keys in use and the state of each: public facts only."""

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

#: The states of a key, as ``manage.py ratchet keys list`` names them.
SIGNING = pgettext_lazy("key", "Signing")
PUBLISHED = pgettext_lazy("key", "Published, signs later")
VERIFYING = pgettext_lazy("key", "Retired, verifies")


@dataclass(frozen=True)
class KeyRow:
    """One row of the page: the public facts of a key.

    Args:
        kid: the key id, which the header of each token names.
        alg: the only algorithm that the key is used with.
        state: ``SIGNING``, ``PUBLISHED`` or ``VERIFYING``.
        is_published: whether the published key set contains the public half.
        signs_from: the moment from which the key may sign; None for no lower limit.
        verifies_until: the moment at which the key stops verifying; None if not set.
    """

    kid: str
    alg: str
    state: Any
    is_published: bool
    signs_from: datetime | None
    verifies_until: datetime | None


def rows(keys: KeySet, now: float) -> list[KeyRow]:
    """Return one row per key of a set, the signing key first.

    Args:
        keys: the key set in use.
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
    """Return the view of the page. It requires the permission to view sessions.

    Args:
        model_admin: the admin of the sessions, whose list links to the page.
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
        # The error's text may name files, so the page does not show it.
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
    """Return a moment as a datetime; None for an unlimited one (not positive, or infinite)."""
    if seconds <= 0 or math.isinf(seconds):
        return None
    return datetime.fromtimestamp(seconds, UTC)
