"""Refreshing: once, again, late, and too late."""

from datetime import timedelta
from functools import partial

from tests.projects.world import World, claims_of, step

TABS = 6
LATE = timedelta(minutes=1)


@step
def refresh(world: World) -> None:
    device = world.device(world.user())
    answer = device.refreshes()
    said = answer.ok(keys={"access", "refresh"}, costs="refresh")
    answer.demand(claims_of(said["refresh"])["gen"] == 2, "the next generation")
    device.keep(said)
    device.get("protected/").ok()
    device.keep(device.refreshes().ok())
    device.get("protected/").ok()


@step
def lost_answer(world: World) -> None:
    """The same refresh again, within the grace period: the same next token."""
    device = world.device(world.user())
    first = device.refreshes().ok()
    answer = device.refreshes()
    again = answer.ok(keys={"access", "refresh"}, costs="repeat")
    answer.demand(
        claims_of(again["refresh"]) == claims_of(first["refresh"]), "the same refresh token"
    )
    device.keep(again)
    device.keep(device.refreshes().ok())
    device.get("protected/").ok()


@step
def at_once(world: World) -> None:
    """Tabs that refresh one token at the same time all get the same next one."""
    device = world.device(world.user())
    tabs = [partial(world.device().refreshes, device.refresh) for _ in range(TABS)]
    answers = world.at_once(*tabs)
    for answer in answers:
        answer.ok(keys={"access", "refresh"})
    tokens = {answer.said["refresh"] for answer in answers}
    answers[0].demand({claims_of(one)["gen"] for one in tokens} == {2}, "one next generation")
    device.keep(answers[0].said)
    others = [world.device(world.user()) for _ in range(TABS)]
    for answer in world.at_once(*(partial(one.get, "me/") for one in others)):
        answer.ok()
    for answer in world.at_once(*(partial(one.sign_in) for one in others)):
        answer.ok()
    device.keep(device.refreshes().ok())


@step
def late_retry(world: World) -> None:
    """The same refresh again after the grace period, with its key: the same next token."""
    device = world.device(world.user())
    first = device.refreshes(key="turn-1").ok()
    world.age(device, rotated_at=LATE)
    answer = device.refreshes(key="turn-1")
    again = answer.ok(keys={"access", "refresh"}, costs="repeat")
    answer.demand(
        claims_of(again["refresh"])["gen"] == claims_of(first["refresh"])["gen"] == 2,
        "the same generation",
    )
    device.keep(again)
    device.get("protected/").ok()
    device.keep(device.refreshes(key="turn-2").ok())


@step
def reuse(world: World) -> None:
    """The same refresh again after the grace period, without a key: the session ends."""
    device = world.device(world.user())
    stolen = device.refresh
    device.keep(device.refreshes(key="turn-1").ok())
    world.age(device, rotated_at=LATE)
    device.refreshes(stolen, key="another").refused(401, "token_not_valid", "reused")
    answer = device.refreshes()
    answer.demand(answer.status == 401, "the session has ended, by whatever error after it")
    answer.demand(answer.said["reason"] in ("reused", "session_ended"), "it says why")
    world.eventually_ended(device)
    device.sign_in()
    device.get("protected/").ok()


@step
def idle_for_too_long(world: World) -> None:
    device = world.device(world.user())
    world.age(device, expires_at=timedelta(days=40))
    device.refreshes().refused(401, "token_not_valid", "expired")


@step
def refresh_reads_no_bearer(world: World) -> None:
    """A stale access token in the header makes no refresh a 401."""
    device = world.device(world.user())
    body = {"refresh": device.refresh}
    device.post("token/refresh/", body, token="x.y.z").ok()
    device.post("token/", device.credentials, token="x.y.z").ok()
    device.post("token/verify/", {"token": device.access}, token="x.y.z").ok()
