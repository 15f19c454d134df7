"""What is wrong, said once and not at every fetch."""

import logging

log = logging.getLogger("drf_ratchet")


class ProblemLog:
    """One thing that may be wrong for hours, and is looked at every second.

    Args:
        what: how it reads in the log.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._why: str | None = None

    def report(self, why: str) -> None:
        """It is wrong; an error in the log where it was not, or for another reason.

        Args:
            why: no body, no credentials, no token.
        """
        log.log(logging.DEBUG if why == self._why else logging.ERROR, "%s: %s.", self._what, why)
        self._why = why

    def resolve(self) -> None:
        """It is right, again or still."""
        if self._why is not None:
            log.warning("%s: no longer.", self._what)
        self._why = None
