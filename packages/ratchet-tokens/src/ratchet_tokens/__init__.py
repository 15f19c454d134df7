"""Sign and verify tokens: claims, keys, key sets, and a verifier for services without Django."""

__version__ = "0.1.0"
