"""The users that the demo makes, and the password they share."""

from dataclasses import dataclass

PASSWORD = "ratchet-demo-1"


@dataclass(frozen=True, slots=True)
class DemoUser:
    """A user to try the demo as.

    Args:
        username: the name to sign in with.
        about: what this one may do, in a few words.
        staff: whether it is staff and superuser.
    """

    username: str
    about: str
    staff: bool = False

    @property
    def email(self) -> str:
        """An address that can belong to nobody (RFC 2606)."""
        return f"{self.username}@example.com"


DEMO_USERS = (
    DemoUser("alice", "writes posts"),
    DemoUser("bob", "writes posts"),
    DemoUser("admin", "staff: changes anybody's posts", staff=True),
)
