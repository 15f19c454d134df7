"""What a process does besides answering: statements to databases, and records at ERROR."""

from __future__ import annotations

import logging
import threading
import traceback
from typing import Any

from django.db.backends.utils import CursorWrapper

#: Statements that count. The others keep a connection or a transaction going.
_COUNTED = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")


class Recorder(logging.Handler):
    """Keeps what happened since it was last asked. Of all threads."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self._own = threading.Lock()
        self._statements: list[tuple[str, str]] = []
        self._errors: list[str] = []

    def start(self) -> None:
        """Watch every connection and every logger of this process, from now on."""
        execute = CursorWrapper._execute_with_wrappers

        def recorded(cursor: Any, sql: Any, *args: Any, **kwargs: Any) -> Any:
            text = str(sql).lstrip(" (")
            if text.upper().startswith(_COUNTED) and not _reads_the_feed(text):
                with self._own:
                    self._statements.append((cursor.db.alias, text))
            return execute(cursor, sql, *args, **kwargs)

        CursorWrapper._execute_with_wrappers = recorded
        logging.getLogger().addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        text = f"{record.name}: {record.getMessage()}"
        if record.exc_info:
            frames = "".join(traceback.format_exception(*record.exc_info)).splitlines()
            text = "\n".join([text, *frames[-16:]])
        with self._own:
            self._errors.append(text)

    def statements(self) -> list[tuple[str, str]]:
        """Return each statement since the last call, with the alias of its database."""
        with self._own:
            taken, self._statements = self._statements, []
        return taken

    def errors(self) -> list[str]:
        """Return each record at ERROR since the last call, with the end of its traceback."""
        with self._own:
            taken, self._errors = self._errors, []
        return taken


def _reads_the_feed(sql: str) -> bool:
    # Each process reads it now and then: it belongs to no request.
    return sql.upper().startswith("SELECT") and '"announced_at" >' in sql.replace("`", '"')
