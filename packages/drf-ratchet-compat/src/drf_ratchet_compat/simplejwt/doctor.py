"""Examine the bridge for ``manage.py ratchet doctor``: seams, phase, and other processes."""

from collections.abc import Iterator
from typing import Any

import rest_framework_simplejwt
from django.utils.module_loading import import_string

from drf_ratchet.management.doctor import Status
from drf_ratchet_compat.old_tokens import unverified_claims
from drf_ratchet_compat.simplejwt import binding, blacklist, seams
from drf_ratchet_compat.simplejwt.settings import NAME, Phase, phase, rotates
from ratchet_tokens.errors import TokenRefused

#: How many of the newest refresh tokens are looked at.
_NEWEST = 100

_MEANS = {
    Phase.MARK: "tokens get their claims, and nothing is enforced",
    Phase.ENFORCE: "the counter decides",
    Phase.DRAIN: "the counter decides, and simplejwt's blacklist learns of it",
}


def examine() -> Iterator[tuple[Status, str]]:
    """Yield what there is to say, as (status, text)."""
    place = seams.installed()
    version = rest_framework_simplejwt.__version__
    yield Status.OK, f"{len(place)} methods of simplejwt {version} and DRF are replaced"
    for seam in place:
        if not seams.is_in_place(seam):
            yield Status.WARNING, f"{seam} was replaced again by somebody else"
    for name in own_verifications():
        yield Status.WARNING, f"{name} has a verify() of its own, which asks no session"
    yield Status.OK, f"{NAME}['PHASE'] is {str(phase())!r}: {_MEANS[phase()]}"
    turns = "uses its token up" if rotates() else "leaves its token valid"
    yield Status.OK, f"a refresh {turns}, as SIMPLE_JWT says"
    if blacklist.is_installed():
        yield from _others()
    else:
        yield Status.WARNING, "simplejwt's blacklist app is not installed: there is no way back"


def own_verifications() -> list[str]:
    """Return the names of direct subclasses of ``Token`` whose ``verify`` does not call ours."""
    token: Any = import_string("rest_framework_simplejwt.tokens.Token")
    return [
        f"{one.__module__}.{one.__qualname__}"
        for one in token.__subclasses__()
        if "verify" in vars(one) and not one.__module__.startswith("rest_framework_simplejwt.")
    ]


def _others() -> Iterator[tuple[Status, str]]:
    """Look for processes that issue tokens without the bridge."""
    from rest_framework_simplejwt.token_blacklist import models

    tables: Any = models
    newest = tables.OutstandingToken.objects.exclude(token="").order_by("-id")[:_NEWEST]
    plain = 0
    texts = list(newest.values_list("token", flat=True))
    for text in texts:
        try:
            plain += binding.read(unverified_claims(text)) is None
        except (TokenRefused, UnicodeEncodeError):
            plain += 1
    if plain:
        yield (
            Status.WARNING if phase() is not Phase.MARK else Status.OK,
            f"{plain} of the newest {len(texts)} refresh tokens were issued without the bridge, "
            "before it came or by processes that do not have it",
        )
    else:
        yield Status.OK, f"the newest {len(texts)} refresh tokens were issued with the bridge"
