"""`python -m tests.fuzz.guided FOLDER UNTIL TARGET...`: atheris on each. `engines` starts it.

libFuzzer takes a process over and ends it, so each target gets a fork of its own.
"""

import os
import signal
import sys
import time
from pathlib import Path

from tests.fuzz.target import Target

#: One input may take so many seconds; more is a crash too.
TIMEOUT = 20
#: No longer inputs than a token may be, nearly.
LONGEST = 16_000


def main() -> None:
    """Attack each in turn, for an equal share of the time that is left (`time.time`)."""
    import atheris

    folder, until, names = Path(sys.argv[1]), float(sys.argv[2]), sys.argv[3:]
    # Coverage guides the search through the code that reads what a client sends.
    with atheris.instrument_imports(
        include=["drf_ratchet", "joserfc", "rest_framework.parsers", "rest_framework.fields"]
    ):
        from tests.fuzz.start import start_django

        start_django()
        from tests.fuzz.site import Site
        from tests.fuzz.targets import all_targets

        targets = {target.name: target for target in all_targets(Site())}
    running = 0
    # Who stops this process stops the fork too.
    signal.signal(signal.SIGTERM, lambda *_: (running and os.kill(running, 9), os._exit(1)))
    for number, name in enumerate(names):
        seconds = max(1, round((until - time.time()) / (len(names) - number)))
        running = os.fork()
        if running == 0:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            _attack(targets[name], folder, seconds)
        if os.waitpid(running, 0)[1]:
            (folder / name / "failed").touch()
        running = 0


def _attack(target: Target, folder: Path, seconds: int) -> None:
    """In the fork: attack one target until the time is over or an input crashes, and exit."""
    import atheris

    mine = folder / target.name
    log = os.open(mine / "log", os.O_WRONLY | os.O_CREAT)
    os.dup2(log, 1)
    os.dup2(log, 2)
    arguments = [
        *("guided", f"-max_total_time={seconds}", f"-timeout={TIMEOUT}", f"-max_len={LONGEST}"),
        *(f"-dict={folder / 'words'}", f"-artifact_prefix={mine / 'found'}/"),
        *("-print_final_stats=1", str(mine / "corpus")),
    ]
    atheris.Setup(arguments, target.attack)
    atheris.Fuzz()
    os._exit(0)


if __name__ == "__main__":
    main()
