"""A user's devices, and proving again who one is."""

import re
from copy import copy
from datetime import timedelta
from uuid import uuid4

import httpx

from drf_ratchet.ids import uuid7
from drf_ratchet.models import Session
from tests.projects.world import World, claims_of, step

FIELDS = ("id", "current", "created_at", "last_used_at", "expires_at", "user_agent", "ip", "amr")


@step
def list_of_devices(world: World) -> None:
    user = world.user()
    phone, laptop = world.device(user), world.device(user)
    world.device(world.user())
    answer = laptop.get("sessions/")
    said = answer.ok(costs="devices")
    answer.demand(
        [one["id"] for one in said] == [laptop.session, phone.session], "newest first, no others"
    )
    answer.demand([one["current"] for one in said] == [True, False], "it knows which one asks")
    for one in said:
        answer.demand(one.keys() == set(FIELDS), f"the fields are {FIELDS}")
        answer.demand(one["user_agent"] == "gauntlet/1", "it says what it is")
    answer.demand(answer.response.headers["Cache-Control"] == "no-store", "it is in no cache")


@step
def end_a_device(world: World) -> None:
    user = world.user()
    phone, laptop = world.device(user), world.device(user)
    stranger = world.device(world.user())
    stranger.delete(f"sessions/{phone.session}/").refused(404, "not_found")
    laptop.delete(f"sessions/{phone.session}/").ok(204)
    laptop.delete(f"sessions/{phone.session}/").refused(404, "not_found")
    for nothing in (str(uuid4()), "1", "x", "%00"):
        laptop.delete(f"sessions/{nothing}/").refused(404)
    phone.refreshes().refused(401, "token_not_valid", "session_ended")
    world.eventually_ended(phone)
    answer = laptop.get("sessions/")
    answer.demand([one["id"] for one in answer.ok()] == [laptop.session], "it is gone")
    world.device().get("sessions/").refused(401)
    world.device().delete(f"sessions/{laptop.session}/").refused(401)


@step
def more_than_a_hundred_devices(world: World) -> None:
    """The list has pages, and each names the next."""
    device = world.device(world.user())
    with world.orm():
        row = Session.objects.get(pk=device.session)
        rows = []
        for _ in range(150):
            row.pk = uuid7()
            rows.append(copy(row))
        Session.objects.bulk_create(rows)
    seen: list[str] = []
    answer = device.get("sessions/")
    for _ in range(3):
        said = answer.ok()
        answer.demand(len(said) <= 100, "at most a hundred")
        seen += [one["id"] for one in said]
        link = re.fullmatch(r'<(.+)>; rel="next"', answer.response.headers.get("Link", ""))
        if link is None:
            break
        url = httpx.URL(link[1])
        answer.demand(url.host in ("", device.host), "on the same host")
        answer = device.get(url.raw_path.decode())
    answer.demand(len(set(seen)) == len(seen) == 151, f"all of them, once, not {len(seen)}")
    answer.demand(seen == sorted(seen, reverse=True), "newest first")


@step
def step_up(world: World) -> None:
    device = world.device(world.user())
    world.age(device, auth_time=timedelta(hours=1))
    device.keep(device.refreshes().ok())
    before = claims_of(device.access)["auth_time"]
    answer = device.get("recent/")
    answer.refused(401, "reauthentication_required", exactly=True)
    challenge = answer.response.headers["WWW-Authenticate"]
    answer.demand("insufficient_user_authentication" in challenge, "RFC 9470")
    wrong = {**device.proof, "refresh": device.refresh, "password": "wrong"}
    device.post("step-up/", wrong).refused(401, "no_active_account")
    device.post("step-up/", {"refresh": device.refresh}).field(*device.proof)
    device.post("step-up/", {}, token=None).refused(401)
    answer = device.post("step-up/", {"refresh": device.refresh, **device.proof})
    device.keep(answer.ok(keys={"access", "refresh"}))
    answer.demand(claims_of(device.access)["auth_time"] > before + 1800, "a new auth_time")
    device.get("recent/").ok()
    device.keep(device.refreshes().ok())
    device.get("recent/").ok()
