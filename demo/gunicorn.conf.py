"""How gunicorn serves the demo. It reads this file when it is started in this folder."""

import os
import signal
from typing import Any

wsgi_app = "config.wsgi:application"
worker_class = "gthread"
workers = 2
threads = 4
loglevel = "warning"
# No socket for gunicornc in the user's home.
control_socket_disable = True
# A request takes milliseconds; a server that is asked to stop need not wait for long.
graceful_timeout = 5


def when_ready(server: Any) -> None:
    """Let the demo end with its terminal.

    A terminal that closes sends SIGHUP, on which gunicorn would load its workers anew and live on,
    unseen, in the way of the next demo.
    """
    signal.signal(signal.SIGHUP, lambda number, frame: os.kill(os.getpid(), signal.SIGTERM))


def post_fork(server: Any, worker: Any) -> None:
    """Leave what a terminal sends to the master, which tells the workers what to do.

    They are sent SIGINT and SIGHUP as well. A worker that handles the master's signal inside its
    own SIGINT waits for a lock that it holds (gunicorn 27.0), until the master loses patience.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGHUP})
