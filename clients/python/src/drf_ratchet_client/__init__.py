"""Stay signed in to a drf-ratchet API from Python."""

from drf_ratchet_client.errors import RatchetError, SignedOut, UserChanged
from drf_ratchet_client.sending import Answer, Call, StandardSender
from drf_ratchet_client.session import RatchetSession
from drf_ratchet_client.stores import MemoryStore, Store, TokenFile

__version__ = "0.1.0"

__all__ = [
    "Answer",
    "Call",
    "MemoryStore",
    "RatchetError",
    "RatchetSession",
    "SignedOut",
    "StandardSender",
    "Store",
    "TokenFile",
    "UserChanged",
]
