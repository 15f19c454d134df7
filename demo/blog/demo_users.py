"""The users that the demo creates, and their shared password."""

from dataclasses import dataclass

PASSWORD = "ratchet-demo-1"


@dataclass(frozen=True, slots=True)
class DemoUser:
    """A user to try the demo as.

    Args:
        username: the name to sign in with.
        about: the user's permissions, in a few words.
        staff: whether the user is staff and superuser.
    """

    username: str
    about: str
    staff: bool = False

    @property
    def email(self) -> str:
        """Return an email address in a domain reserved for examples (RFC 2606)."""
        return f"{self.username}@example.com"


DEMO_USERS = (
    DemoUser("alice", "writes posts"),
    DemoUser("bob", "writes posts"),
    DemoUser("admin", "staff: changes anybody's posts", staff=True),
)
