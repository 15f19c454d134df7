"""gunicorn's configuration for the demo. gunicorn reads it when it is started in this directory."""

import os
import signal
from typing import Any

wsgi_app = "config.wsgi:application"
worker_class = "gthread"
workers = 2
threads = 4
loglevel = "warning"
# Create no control socket in the user's home directory.
control_socket_disable = True
# Seconds. A request takes milliseconds, so the server need not wait long before it stops.
graceful_timeout = 5


def when_ready(server: Any) -> None:
    """Stop the demo when its terminal is closed.

    A closing terminal sends SIGHUP, on which gunicorn would reload its workers and keep running. It
    would then occupy the port of the next demo.
    """
    signal.signal(signal.SIGHUP, lambda number, frame: os.kill(os.getpid(), signal.SIGTERM))


def post_fork(server: Any, worker: Any) -> None:
    """Block the terminal's signals in the workers, because the master forwards them.

    A terminal sends SIGINT and SIGHUP to the workers, too. A worker that receives the master's
    signal while it handles SIGINT waits for a lock that it holds (gunicorn 27.0), until it is
    killed.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGHUP})
