"""The endpoints for services."""

from base64 import b64encode
from urllib.parse import urlencode

from drf_ratchet.conf import ratchet_settings
from tests.projects.shape import SERVICES
from tests.projects.world import Answer, Device, World, failing, step


@step
def introspect(world: World) -> None:
    device = world.device(world.user())
    answer = _ask(device, "introspect/", device.access)
    said = answer.ok()
    answer.demand(said["active"] is True, "it is active")
    answer.demand(said["username"] == device.user.get_username(), "it says whose it is")
    answer.demand(said["token_type"] == "Bearer", "it says how it is used")
    for what, token in (
        ("its refresh token", device.refresh),
        ("no token", "x"),
        ("no token of ours", "a.b.c"),
        ("a long one", "x" * 100_000),
    ):
        with failing(what):
            answer = _ask(device, "introspect/", token)
            answer.demand(answer.ok() == {"active": False}, "it is not active")
    device.post("logout/").ok()
    answer = _ask(device, "introspect/", device.access)
    answer.demand(answer.ok() == {"active": False}, "it is not active any more")


@step
def revoke(world: World) -> None:
    user = world.user()
    first, second = world.device(user), world.device(user)
    _ask(first, "revoke/", first.access).ok()
    world.eventually_ended(first)
    _ask(second, "revoke/", second.refresh).ok()
    second.refreshes().refused(401, "token_not_valid", "session_ended")
    _ask(second, "revoke/", "x").ok()


@step
def ended_sessions(world: World) -> None:
    device = world.device()
    headers = {"Authorization": _basic()}
    answer = device.get("services/ended-sessions/", token=None, **headers)
    if not ratchet_settings().keys:
        answer.refused(404, "no_public_key")
        return
    answer.ok()
    tag = answer.response.headers["ETag"]
    answer.demand(answer.response.headers["Content-Type"] == "application/jwt", "it is signed")
    headers["If-None-Match"] = tag
    answer = device.get("services/ended-sessions/", token=None, **headers)
    answer.demand(answer.status in (200, 304), "expected 200 or 304")


@step
def who_is_no_service(world: World) -> None:
    device = world.device(world.user())
    for value in (
        "",
        f"Bearer {device.access}",
        "Basic",
        "Basic x",
        "Basic " + b64encode(b"billing").decode(),
        "Basic " + b64encode(b"billing:wrong").decode(),
        "Basic " + b64encode(b"\xff:\xff").decode(),
        "Basic " + b64encode(b"nobody:" + SERVICES["billing"].encode()).decode(),
    ):
        for path in ("introspect/", "revoke/"):
            with failing(f"{value!r} to {path}"):
                answer = _ask(device, path, device.access, value)
                answer.refused(401, "invalid_client")
    device.get("protected/").ok()


def _basic() -> str:
    [(name, secret)] = SERVICES.items()
    return "Basic " + b64encode(f"{name}:{secret}".encode()).decode()


def _ask(device: Device, path: str, token: str, authorization: str | None = None) -> Answer:
    return device.ask(
        "POST",
        f"services/{path}",
        token=None,
        content=urlencode({"token": token}).encode(),
        **{
            "Content-Type": "application/x-www-form-urlencoded",
            "Authorization": _basic() if authorization is None else authorization,
        },
    )
