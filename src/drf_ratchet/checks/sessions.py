"""Check the limit of sessions per user."""

from typing import Any

from django.core.checks import CheckMessage, Info, Tags, register

from drf_ratchet.checks.settings import usable_settings


@register(Tags.security, deploy=True)
def check_limit(**kwargs: Any) -> list[CheckMessage]:
    """Report I001: the number of sessions per user is not limited."""
    chosen = usable_settings()
    if chosen.MAX_SESSIONS_PER_USER is not None or chosen.USER == "claims":
        return []
    return [
        Info(
            "DRF_RATCHET['MAX_SESSIONS_PER_USER'] is None: a user may have any number of sessions.",
            hint="Set a number that no person reaches, for example 100. It limits the rows of a "
            "script that signs in for each request. If your users are scripts, silence "
            "'ratchet.I001'.",
            id="ratchet.I001",
        )
    ]
