"""What ``manage.py`` says of the project."""

import io
import re
from contextlib import redirect_stderr

from django.apps import apps
from django.conf import settings
from django.core import checks
from django.core.management import call_command
from django.core.management.base import CommandError

from tests.projects.world import Unexpected, World, step


@step
def check(world: World) -> None:
    """``check`` finds no error, and of ours nothing but what the shape expects."""
    # Memory of one process is no place to count in, unless it is a developer's.
    shared = set() if settings.DEBUG else world.shape.warns_of_deployment & {"ratchet.W006"}
    _expect(_found(deploy=False), _warns(world) | shared)


@step
def check_deploy(world: World) -> None:
    """So does ``check --deploy``."""
    # No shape sets MAX_SESSIONS_PER_USER.
    _expect(_found(deploy=True), _warns(world) | world.shape.warns_of_deployment | {"ratchet.I001"})


@step
def makemigrations(world: World) -> None:
    """No app lacks a migration."""
    said = io.StringIO()
    try:
        call_command("makemigrations", "--check", "--dry-run", stdout=said, stderr=said)
    except (SystemExit, CommandError) as error:
        raise Unexpected(f"makemigrations --check: {error!r}\n{said.getvalue()}") from None


@step
def openapi(world: World) -> None:
    """Where drf-spectacular is installed, it describes every endpoint without a warning."""
    if not apps.is_installed("drf_spectacular"):
        return
    said = io.StringIO()
    options = ["--validate", "--fail-on-warn"]
    if world.shape.version:
        options += ["--api-version", world.shape.version]
    try:
        with redirect_stderr(said):
            call_command("spectacular", *options, stdout=said)
    except (CommandError, SystemExit) as error:
        raise Unexpected(f"spectacular: {error!r}\n{said.getvalue()[-1500:]}") from None
    described = re.findall(r"^  (\S+):$", said.getvalue(), re.MULTILINE)
    for path in ("token/", "sessions/", "browser/login/", "services/introspect/"):
        end = path.removesuffix("/") if world.shape.suffix else path
        if not any(end in one for one in described):
            raise Unexpected(f"{path} is not described: {described}")


def _warns(world: World) -> frozenset[str]:
    """Return the ids that every such project hears of: "expiry" has to be meant."""
    return world.shape.warns | ({"ratchet.W004"} if world.freshness == "expiry" else frozenset())


def _found(*, deploy: bool) -> list[checks.CheckMessage]:
    return checks.run_checks(include_deployment_checks=deploy)


def _expect(found: list[checks.CheckMessage], expected: frozenset[str]) -> None:
    ours = {str(one.id) for one in found if str(one.id).startswith("ratchet.")}
    theirs = [one for one in found if str(one.id) not in ours and one.level >= checks.ERROR]
    if ours != expected or theirs:
        surprises = [one for one in found if str(one.id) in ours - expected] + theirs
        said = "\n".join(map(str, surprises))
        raise Unexpected(f"expected {sorted(expected)}, not {sorted(ours)}\n{said}")


def refusal(id: str) -> None:
    """Demand that ``check`` has something against the project: an error or a warning of that id."""
    found = _found(deploy=False)
    if not any(str(one.id).startswith(id) for one in found):
        raise Unexpected(f"check does not say {id}, but {found}")
