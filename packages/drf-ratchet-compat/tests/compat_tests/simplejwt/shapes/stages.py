"""Tell the stages of a story, each in a process of its own.

They are forked from one process that has imported what needs no settings: a stage would otherwise
spend most of its time on that. Called with the stages and the variables of each, as JSON.
"""

import json
import os
import runpy
import sys
import traceback
from importlib import import_module

#: What takes long to import. None of it reads settings while it is imported.
SLOW = (
    *("django.contrib.postgres.fields", "django.core.handlers.asgi", "django.test"),
    *("django.forms", "django.core.management", "django.db.migrations.executor"),
    *("jwt", "joserfc.jwk", "rest_framework.serializers"),
)
STORY = "compat_tests.simplejwt.shapes.story"


def tell(stage: str) -> None:
    """Tell one stage, in this process, and end it."""
    sys.argv = [STORY, stage]
    status = 1
    try:
        runpy.run_module(STORY, run_name="__main__")
        status = 0
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def main() -> None:
    """Tell all stages, until one fails."""
    for module in SLOW:
        import_module(module)
    for stage, environment in json.loads(sys.argv[1]).items():
        child = os.fork()
        if child == 0:
            os.environ.update(environment)
            tell(stage)
        _pid, status = os.waitpid(child, 0)
        if status:
            sys.exit(f"The story failed: {stage}.")


if __name__ == "__main__":
    main()
