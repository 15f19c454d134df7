"""Verified claims as the plain dicts and lists that the other packages hand out."""

from drf_ratchet.tokens.claims import thawed

__all__ = ["thawed"]
