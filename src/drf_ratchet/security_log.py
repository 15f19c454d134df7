"""The log ``drf_ratchet.security``, in which each event is one line, whatever a client sent."""

import logging

security_log = logging.getLogger("drf_ratchet.security")

_MAX_LENGTH = 200
_said: set[str] = set()


def one_line(text: object) -> str:
    """Return a client's text as it may stand in a log: escaped, on one line, shortened.

    Args:
        text: a path, a header, a user's key: whatever is not our own.
    """
    return str(text)[:_MAX_LENGTH].encode("unicode_escape").decode("ascii")


def warn_once(message: str, *args: object) -> None:
    """Log a warning about the configuration; once in each process, however often it is seen.

    Args:
        message: the text, in logging's notation. It names the warning.
        args: the values for the text.
    """
    if message not in _said:
        _said.add(message)
        security_log.warning(message, *args)
