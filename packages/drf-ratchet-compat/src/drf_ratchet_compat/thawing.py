"""Verified claims as the plain dicts and lists that the other packages hand out."""

from ratchet_tokens.claims import mutable_copy

__all__ = ["mutable_copy"]
