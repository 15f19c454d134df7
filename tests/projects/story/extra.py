"""Steps that only some shapes have."""

from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.utils import translation
from django.utils.module_loading import import_string

from drf_ratchet.exceptions import NoActiveAccount, refusal_body
from drf_ratchet.sessions import end_all_sessions
from drf_ratchet.testing.time_travel import travel
from ratchet_tokens.errors import Reason
from tests.projects import backends
from tests.projects.story.browsers import from_here
from tests.projects.world import PASSWORD, Device, World, claims_of, extra_step


@extra_step
def saved_through_a_proxy(world: World) -> None:
    _saved_as(world, "tests.projects.apps.family.models.Employee")


@extra_step
def saved_through_a_child(world: World) -> None:
    _saved_as(world, "tests.projects.apps.family.models.Customer")


def _saved_as(world: World, path: str) -> None:
    """A new password, a deactivation and a deletion count, whatever class the user has."""
    model: Any = import_string(path)
    for change, reason in (
        (lambda row: row.set_password("correct horse battery"), "password_changed"),
        (lambda row: setattr(row, "is_active", False), "user_inactive"),
        (lambda row: row.delete(), ""),
    ):
        user = model.objects.create_user(f"{model.__name__}{reason}", password=PASSWORD)
        device = world.device(user)
        device.get("user/").ok()
        change(user)
        if user.pk:
            user.save()
        answer = device.refreshes()
        answer.demand(answer.status == 401, "expected 401")
        if reason:
            answer.refused(401, "token_not_valid", reason)
        world.eventually_ended(device)


@extra_step
def hidden_user(world: World) -> None:
    """Whom the manager hides is refused, and is not logged out."""
    device = world.device(world.user())
    everybody: Any = get_user_model().everybody
    everybody.filter(pk=device.user.pk).update(is_deleted=True)
    answer = device.get("me/")
    answer.demand(answer.status == 401, "expected 401")
    answer = device.refreshes()
    answer.demand(answer.status == 401, "expected 401")
    device.post("token/", device.credentials, token=None).refused(401, "no_active_account")
    everybody.filter(pk=device.user.pk).update(is_deleted=False)
    device.keep(device.refreshes().ok())
    device.get("me/").ok()


@extra_step
def another_case(world: World) -> None:
    """A name in another case is the same account, also for the limits."""
    user = world.user()
    device = world.device(user)
    name = user.get_username()
    device.sign_in(email=name.upper())
    guesser = world.device()
    for number in range(world.shape.failures):
        spelt = name[:number].upper() + name[number:]
        body = {"email": spelt, "password": "wrong"}
        guesser.post("token/", body).refused(401, "no_active_account")
    guesser.post("token/", {"email": name, "password": "wrong"}).refused(429, "throttled")


@extra_step
def two_tenants(world: World) -> None:
    """A token of one is none of the other's, though their users have the same keys."""
    here, there = "a.localhost", "b.localhost"
    alice, bob = world.user(here), world.user(there)
    with world.orm(there):
        while bob.pk < alice.pk:
            bob = world.user(there)
    with world.orm(here):
        while alice.pk < bob.pk:
            alice = world.user(here)
    device, other = world.device(alice, host=here), world.device(bob, host=there)
    answer = device.get("me/")
    answer.demand(answer.ok()["name"] == alice.get_username(), "it is alice")
    answer = other.get("me/")
    answer.demand(answer.ok()["name"] == bob.get_username(), "it is bob")
    for host in (there, "localhost"):
        stranger = world.device(host=host)
        for path in ("protected/", "me/", "sessions/"):
            answer = stranger.get(path, token=device.access)
            answer.refused(401, "token_not_valid", "wrong_issuer")
        answer = stranger.post("token/refresh/", {"refresh": device.refresh})
        answer.demand(answer.status == 401, "no other tenant has the row")
        answer = stranger.post("token/verify/", {"token": device.access})
        answer.refused(401, "token_not_valid", "wrong_issuer")
        stranger.post("logout/all/", token=device.access).refused(
            401, "token_not_valid", "wrong_issuer"
        )
    device.get("protected/").ok()
    device.post("logout/").ok()
    world.eventually_ended(device)
    other.get("protected/").ok()
    other.keep(other.refreshes().ok())
    other.post("logout/all/").ok()
    world.eventually_ended(other)
    guesser = world.device(host=here)
    guesser.user = alice
    for _ in range(world.shape.failures):
        guesser.post("token/", {**guesser.credentials, "password": "wrong"}).refused(401)
    guesser.post("token/", guesser.credentials).refused(429, "throttled")
    neighbor = Device(world, bob, "198.51.100.7", host=there)
    neighbor.sign_in()


@extra_step
def translated(world: World) -> None:
    """Refusals are in the project's language."""
    with translation.override(None):
        english = {
            str(NoActiveAccount.default_detail),
            str(refusal_body(Reason.MALFORMED)["detail"]),
        }
    wrong = {**world.device(world.user()).credentials, "password": "wrong"}
    for answer in (
        world.device().post("token/", wrong),
        world.device().get("protected/", token="a.b.c"),
    ):
        answer.demand(answer.said["detail"] not in english, "it is not English")


@extra_step
def browser_with_two_cookies(world: World) -> None:
    """The access token is in a cookie too, and a page needs no header."""
    page = world.device()
    page.user = world.user()
    answer = page.post("browser/login/", page.credentials, token=None, **from_here(page))
    said = answer.ok()
    answer.demand("access" not in said, "the access token is in no body")
    answer = page.get("protected/", token=None)
    answer.ok(costs="protected")
    answer = page.post("notes/", {"text": "mine"}, token=None, Origin="https://evil.example")
    answer.demand(answer.status == 403, "another site writes nothing")
    csrf = page.http.cookies.get("csrftoken") or ""
    headers = {"X-CSRFToken": csrf, "Referer": f"https://{page.host}/"}
    page.post("notes/", {"text": "mine"}, token=None, **headers).ok(201)
    page.post("browser/refresh/", token=None, **from_here(page)).ok()
    page.get("protected/", token=None).ok()
    page.post("browser/logout/", token=None, **from_here(page)).ok()
    page.get("protected/", token=None).refused(401)


@extra_step
def permission_for_one_object(world: World) -> None:
    """django-guardian finds what it keeps for a user."""
    from guardian.shortcuts import assign_perm, get_objects_for_user

    from tests.projects.apps.notes.models import Note

    device = world.device(world.user())
    note = Note.objects.create(owner=device.user, text="mine")
    assign_perm("notes.view_note", device.user, note)
    found = world.as_request_user(
        device, lambda user: list(get_objects_for_user(user, "notes.view_note"))
    )
    if found != [note]:
        raise AssertionError(f"{found} is not {[note]}")
    if not world.as_request_user(device, lambda user: user.has_perm("notes.view_note", note)):
        raise AssertionError("the permission is not found")


@extra_step
def signed_in_by_basic(world: World) -> None:
    """Our classes cope with requests that others have signed in."""
    device, other = world.device(), world.device()
    device.user = world.user()
    basic = b64encode(f"{device.user.get_username()}:{PASSWORD}".encode()).decode()
    headers = {"Authorization": f"Basic {basic}"}
    device.get("me/", token=None, **headers).ok()
    device.get("recent/", token=None, **headers).refused(
        401, "reauthentication_required", exactly=True
    )
    other.user = device.user
    other.sign_in()
    device.post("password/", {"password": "correct horse"}, token=None, **headers).ok()
    other.refreshes().refused(401, "token_not_valid", "password_changed")


@extra_step
def signed_in_by_a_django_session(world: World) -> None:
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    device, other = world.device(), world.device()
    device.user = other.user = world.user()
    other.sign_in()
    session = SessionStore()
    session[SESSION_KEY] = str(device.user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = device.user.get_session_auth_hash()
    session.save()
    device.http.cookies.set("sessionid", session.session_key or "")
    device.http.cookies.set("csrftoken", "c" * 32)
    device.get("me/").ok()
    device.get("recent/").refused(401, "reauthentication_required", exactly=True)
    answer = device.post("password/", {"password": "correct horse"}, **from_here(device))
    answer.ok()
    other.refreshes().refused(401, "token_not_valid", "password_changed")


@extra_step
def deleted_meanwhile(world: World) -> None:
    _meanwhile(world, lambda user: user.delete())


@extra_step
def deactivated_meanwhile(world: World) -> None:
    def deactivate(user: Any) -> None:
        user.is_active = False
        user.save()

    _meanwhile(world, deactivate)


def _meanwhile(world: World, change: Callable[[Any], object]) -> None:
    """Whoever goes away while signing in is refused, by every endpoint that takes a password."""
    for path in ("token/", "browser/login/", "step-up/"):
        device = world.device(world.user())
        body = device.credentials
        if path == "step-up/":
            body = {"refresh": device.refresh, "password": PASSWORD}
        backends.meanwhile[0] = lambda user: change(get_user_model().objects.get(pk=user.pk))
        try:
            answer = device.post(path, body, **from_here(device))
        finally:
            backends.meanwhile[0] = lambda user: None
        if answer.status == 200:  # at the next refresh at the latest
            if path == "browser/login/":
                answer = device.post("browser/refresh/", **from_here(device))
            else:
                answer = device.refreshes(answer.said["refresh"])
        answer.demand(answer.status == 401, "expected 401")


@extra_step
def ended_meanwhile(world: World) -> None:
    """A session that ends during its step up is not brought back."""
    device = world.device(world.user())
    backends.meanwhile[0] = end_all_sessions
    try:
        body = {"refresh": device.refresh, "password": PASSWORD}
        device.post("step-up/", body).refused(401, "token_not_valid", "session_ended")
    finally:
        backends.meanwhile[0] = lambda user: None
    device.refreshes().refused(401, "token_not_valid", "session_ended")


@extra_step
def preflight(world: World) -> None:
    """A browser of another origin may send what our endpoints take."""
    answer = world.device().ask(
        "OPTIONS",
        "token/refresh/",
        **{
            "Origin": "https://app.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type,idempotency-key",
        },
    )
    answer.ok()
    allowed = answer.response.headers.get("Access-Control-Allow-Headers", "")
    answer.demand("idempotency-key" in allowed, "the key is allowed")
    device = world.device(world.user())
    answer = device.get("protected/", Origin="https://app.example")
    answer.ok()
    origin = answer.response.headers.get("Access-Control-Allow-Origin")
    answer.demand(origin == "https://app.example", "the origin is allowed")


@extra_step
def clocks_go_back(world: World) -> None:
    """In the hour that comes twice, nobody is signed out and nothing lives longer."""
    change = _next_change()
    now = datetime.now(UTC)
    with travel(change - now - timedelta(minutes=10)):
        device = world.device(world.user())
        device.keep(device.refreshes(key="before").ok())
        with travel(minutes=20):  # the same hour on the wall, for the second time
            device.get("protected/").refused(401, "token_not_valid", "expired")
            device.keep(device.refreshes().ok())
            device.get("protected/").ok()
            stale = device.refresh
            device.keep(device.refreshes().ok())
            device.refreshes(stale).ok()  # within the grace period
            with travel(minutes=45):
                device.refreshes(stale).refused(401, "token_not_valid", "reused")
        late = world.device(world.user())
        with travel(minutes=65):
            late.keep(late.refreshes().ok())
            late.get("protected/").ok()


def _next_change() -> datetime:
    """Return when clocks go back next in the project's zone."""
    from django.utils.timezone import get_default_timezone

    zone, moment = get_default_timezone(), datetime.now(UTC).replace(minute=0, second=0)
    offset = moment.astimezone(zone).utcoffset()
    assert offset is not None
    for _ in range(24 * 366):
        moment += timedelta(hours=1)
        after = moment.astimezone(zone).utcoffset()
        assert after is not None
        if after < offset:
            return moment.replace(microsecond=0)
        offset = after
    raise AssertionError("clocks never go back there")


@extra_step
def second_factor(world: World) -> None:
    """No endpoint takes the password alone."""
    device = world.device()
    device.user = world.user()
    full = device.credentials
    alone = {name: value for name, value in full.items() if name != "code"}
    device.post("token/", alone).field("code")
    device.post("token/", {**alone, "code": "no"}).refused(401, "no_active_account")
    page = world.device()
    answer = page.post("browser/login/", alone, token=None, **from_here(page))
    answer.demand(answer.status == 400, "the browser's sign-in asks for it too")
    world.device(world.user()).get("protected/").ok()


@extra_step
def keep(world: World) -> None:
    """Devices that are signed in before the project is deployed anew."""
    user = world.user()
    device, idle = world.device(user), world.device(user)
    page = world.device()
    page.user = user
    page.access = page.post("browser/login/", page.credentials, token=None, **from_here(page)).ok()[
        "access"
    ]
    world.keepsakes = {
        "user": str(user.pk),
        "tokens": [[one.access, one.refresh] for one in (device, idle)],
        "cookies": dict(page.http.cookies),
    }


@extra_step
def come_back(world: World) -> None:
    """They are still signed in."""
    user = get_user_model()._default_manager.get(pk=world.keepsakes["user"])
    (device, idle) = (world.device() for _ in range(2))
    for one, tokens in zip((device, idle), world.keepsakes["tokens"], strict=True):
        one.user = user
        one.access, one.refresh = tokens
    answer = device.get("protected/")
    if world.shape.access_survives:
        answer.ok()
    else:
        answer.refused(401, "token_not_valid", answer.said.get("reason", ""))
    device.keep(device.refreshes().ok())
    device.get("protected/").ok()
    fresh = world.device(user)  # signing in, which may upgrade a hash, ends no other session
    idle.keep(idle.refreshes().ok())
    idle.get("protected/").ok()
    page = world.device()
    for name, value in world.keepsakes["cookies"].items():
        page.http.cookies.set(name, value, domain="localhost.local")
    page.post("browser/refresh/", token=None, **from_here(page)).ok()
    fresh.get("protected/").ok()
    assert claims_of(fresh.access)["sub"] == claims_of(device.access)["sub"]
