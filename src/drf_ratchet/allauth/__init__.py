"""django-allauth's sign-ins end in our session: the extra ``drf-ratchet[allauth]``.

Put ``"drf_ratchet.allauth"`` into ``INSTALLED_APPS`` and
``"drf_ratchet.allauth.RatchetTokenStrategy"`` into ``HEADLESS_TOKEN_STRATEGY``.
"""

from typing import Any

__all__ = ["RatchetTokenStrategy"]


def __getattr__(name: str) -> Any:
    # Imported late: Django imports this package for its app before any model can be imported.
    if name == "RatchetTokenStrategy":
        from drf_ratchet.allauth.strategy import RatchetTokenStrategy

        return RatchetTokenStrategy
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
