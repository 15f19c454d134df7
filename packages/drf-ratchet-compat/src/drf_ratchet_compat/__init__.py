"""Bridges for projects that move from other packages; drf_ratchet does not know them."""

__version__ = "0.1.0"
