"""Rate limits. The last steps: here the clock is moved."""

from drf_ratchet.testing.time_travel import travel
from tests.projects.world import World, step


@step
def throttled(world: World) -> None:
    """After so many failures the account is closed to that network, for a while."""
    shape = world.shape
    user = world.user()
    guesser, owner = world.device(), world.device()
    guesser.user = owner.user = user
    for _ in range(shape.failures - 1):
        guesser.post("token/", {**guesser.credentials, "password": "wrong"}).refused(401)
    last = guesser.post("token/", {**guesser.credentials, "password": "wrong"})
    last.demand(last.status in (401, 429), "the last one")
    for password in ("wrong", guesser.credentials["password"]):
        answer = guesser.post("token/", {**guesser.credentials, "password": password})
        answer.demand(answer.status == 429, "expected 429")
        if not shape.locked_by:
            answer.refused(429, "throttled")
            wait = int(answer.response.headers["Retry-After"])
            answer.demand(0 < wait <= 2 * 3600, "it says how long to wait")
    if shape.locked_by:
        return
    owner.sign_in()
    with travel(hours=2):
        guesser.sign_in()


@step
def time_passes(world: World) -> None:
    """An access token expires, a refresh token later, a session at last."""
    device = world.device(world.user())
    with travel(minutes=6):
        device.get("protected/").refused(401, "token_not_valid", "expired")
        device.keep(device.refreshes().ok())
        device.get("protected/").ok()
    with travel(days=8):
        device.refreshes().refused(401, "token_not_valid", "expired")
