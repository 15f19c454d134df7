"""Log a lasting problem once, and not at every fetch."""

import logging

log = logging.getLogger("drf_ratchet")


class ProblemLog:
    """A problem that may last for hours and is checked every second.

    Args:
        what: the problem, as the beginning of a log line.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._why: str | None = None

    def report(self, why: str) -> None:
        """Log the problem as an error if it, or its reason, is new.

        Args:
            why: the reason, without a body, credentials or a token.
        """
        log.log(logging.DEBUG if why == self._why else logging.ERROR, "%s: %s.", self._what, why)
        self._why = why

    def resolve(self) -> None:
        """Log that the problem has ended, if there was one."""
        if self._why is not None:
            log.warning("%s: resolved.", self._what)
        self._why = None
