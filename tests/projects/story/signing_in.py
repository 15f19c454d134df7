"""Signing in, calling views, and logging out."""

from django.conf import settings

from drf_ratchet.models import Session
from drf_ratchet.sessions import end_all_sessions, end_session, open_session
from tests.projects.world import World, claims_of, ratchet_settings, step


@step
def sign_in(world: World) -> None:
    user = world.user()
    device = world.device()
    device.user = user
    answer = device.sign_in()
    answer.ok(keys={"access", "refresh"}, costs="sign in")
    answer.demand(answer.response.headers["Cache-Control"] == "no-store", "it is in no cache")
    with world.orm():
        name = ratchet_settings().USER_ID_FIELD
        subject = str(user.pk if name == "pk" else getattr(user, name))
    answer.demand(claims_of(device.access)["sub"] == subject, f"the subject is {subject}")
    answer.demand(claims_of(device.refresh)["gen"] == 1, "the first generation")


@step
def call_a_protected_view(world: World) -> None:
    device = world.device(world.user())
    answer = device.get("protected/")
    said = answer.ok(costs="protected")
    answer.demand(said == {"id": str(device.user.pk)}, "it is the user's id")
    device.get("me/").ok(costs="me")
    other = world.device(world.user())
    said = (answer := other.get("me/")).ok()
    answer.demand(said["name"] == other.user.get_username(), "it is the one who asks")


@step
def call_without_a_token(world: World) -> None:
    stranger = world.device()
    answer = stranger.get("protected/")
    answer.demand(answer.status == world.shape.anonymous, "nobody is let in")
    if answer.status == 401:
        challenge = answer.response.headers.get("WWW-Authenticate", "")
        answer.demand(challenge == 'Bearer realm="api"', "it says what is wanted")
    said = (answer := stranger.get("open/")).ok()
    answer.demand(said == {"known": False}, "nobody is known")
    said = (answer := world.device(world.user()).get("open/")).ok()
    answer.demand(said == {"known": True}, "who signed in is known")


@step
def verify(world: World) -> None:
    device = world.device(world.user())
    for token in (device.access, device.refresh):
        answer = device.post("token/verify/", {"token": token}, token=None)
        answer.demand(answer.ok() in ({}, None), "an empty object")
    device.post("logout/", {"refresh": device.refresh}, token=None).ok()
    for token in (device.access, device.refresh):
        answer = device.post("token/verify/", {"token": token}, token=None)
        answer.refused(401, "token_not_valid", "session_ended")


@step
def wrong_password(world: World) -> None:
    """Unknown, wrong and inactive look the same."""
    user, inactive = world.user(), world.user(is_active=False)
    device = world.device()
    device.user = user
    answers = [device.post("token/", {**device.credentials, "password": "wrong"})]
    device.user = inactive
    answers.append(device.post("token/", device.credentials))
    name = next(iter(device.credentials))
    unknown = {**device.credentials, name: world.shape.username("nobody")}
    answers.append(world.device().post("token/", unknown))
    for answer in answers:
        answer.refused(401, "no_active_account")
    texts = {answer.response.text for answer in answers}
    answers[0].demand(len(texts) == 1, f"one text for all, not {texts}")


@step
def log_out(world: World) -> None:
    """By the refresh token, by a Bearer, twice, and with a token long used."""
    user = world.user()
    device, other, third = (world.device(user) for _ in range(3))
    used = device.refresh
    device.keep(device.refreshes().ok())
    device.post("logout/", {"refresh": used}, token=None).ok(keys={"detail"})
    device.post("logout/", {"refresh": used}, token=None).ok()
    device.refreshes().refused(401, "token_not_valid", "session_ended")
    world.eventually_ended(device)
    other.post("logout/").ok()
    world.eventually_ended(other)
    stranger = world.device()
    stranger.post("logout/").refused(401)
    stranger.post("logout/", {"refresh": "x.y.z"}).demand_status(400)
    third.get("protected/").ok()
    third.post("logout/", {"refresh": world.device(world.user()).refresh}).demand_status(400)


@step
def log_out_everywhere(world: World) -> None:
    user = world.user()
    devices = [world.device(user) for _ in range(3)]
    bystander = world.device(world.user())
    answer = devices[0].post("logout/all/")
    answer.ok(keys={"detail"})
    many = [world.device(user) for _ in range(12)]
    more = many[0].post("logout/all/")
    more.demand(len(more.statements) == len(answer.statements), "as many statements for twelve")
    for device in devices:
        device.refreshes().refused(401, "token_not_valid", "session_ended")
        world.eventually_ended(device)
    bystander.get("protected/").ok()
    again = world.device(user)
    again.get("protected/").ok()
    again.refreshes().ok()


@step
def ended_by_the_project(world: World) -> None:
    """As a command, a task or a shell ends a session: with no request at hand."""
    user = world.user()
    device, other = world.device(user), world.device(user)
    with world.orm():
        end_session(Session.objects.get(pk=device.session))
    device.refreshes().refused(401, "token_not_valid", "session_ended")
    world.eventually_ended(device)
    other.get("protected/").ok()
    with world.orm():
        end_all_sessions(user)
    other.refreshes().refused(401, "token_not_valid", "session_ended")
    world.eventually_ended(other)


@step
def opened_by_the_project(world: World) -> None:
    """As a command or a test opens one."""
    device = world.device()
    device.user = world.user()
    with world.orm():
        grant = open_session(device.user)
    device.access, device.refresh = grant.access, grant.refresh
    device.get("protected/").ok()
    device.keep(device.refreshes().ok())


@step
def not_allowed_methods(world: World) -> None:
    device = world.device(world.user())
    for path in ("token/", "token/refresh/", "token/verify/", "logout/", "logout/all/", "step-up/"):
        device.get(path).refused(405)
        device.ask("PUT", path, {}).refused(405)
        device.ask("OPTIONS", path).ok()
    device.post("sessions/", {}).refused(405)
    device.get(f"sessions/{device.session}/").refused(405)


@step
def key_set(world: World) -> None:
    device = world.device()
    answer = device.get(f"{_root(world)}.well-known/jwks.json")
    said = answer.ok(keys={"keys"})
    kinds = {key["kty"] for key in said["keys"]}
    answer.demand("oct" not in kinds, "no symmetric key is published")
    tag = answer.response.headers["ETag"]
    device.get(f"{_root(world)}.well-known/jwks.json", **{"If-None-Match": tag}).ok(304)


def _root(world: World) -> str:
    return (settings.FORCE_SCRIPT_NAME or "") + "/"
