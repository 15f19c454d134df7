"""The log ``drf_ratchet.security``. Each event is one line, whatever a client sends."""

import logging

security_log = logging.getLogger("drf_ratchet.security")

_MAX_LENGTH = 200
_logged: set[str] = set()


def one_line(text: object) -> str:
    """Return a client's text in a form that is safe to log: escaped, on one line, shortened.

    Args:
        text: a path, a header, a user's key: anything that this package did not write.
    """
    return str(text)[:_MAX_LENGTH].encode("unicode_escape").decode("ascii")


def warn_once(message: str, *args: object) -> None:
    """Log a warning about the configuration, once in each process.

    Args:
        message: the text, in the notation of ``logging``. Warnings with the same text are logged
            once.
        args: the values for the text.
    """
    if message not in _logged:
        _logged.add(message)
        security_log.warning(message, *args)
