"""How many sessions may a user have?"""

from typing import Any

from django.core.checks import CheckMessage, Info, Tags, register

from drf_ratchet.checks.settings import usable_settings


@register(Tags.security, deploy=True)
def check_limit(**kwargs: Any) -> list[CheckMessage]:
    """I001: a user may have any number of sessions."""
    chosen = usable_settings()
    if chosen.MAX_SESSIONS_PER_USER is not None or chosen.USER == "claims":
        return []
    return [
        Info(
            "DRF_RATCHET['MAX_SESSIONS_PER_USER'] is None: a user may have any number of sessions.",
            hint="Set a number that no person reaches, 100 for example: a script that signs in for "
            "each request then leaves as many rows and no more. If your users are scripts, "
            "silence 'ratchet.I001'.",
            id="ratchet.I001",
        )
    ]
