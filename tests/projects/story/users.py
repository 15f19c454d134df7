"""What a project does with ``request.user``, and what becomes of a user."""

from typing import Any

from django.contrib.auth import get_user_model

from tests.projects.world import Unexpected, World, step


@step
def the_user_is_as_django_has_it(world: World) -> None:
    answer = world.device(world.user()).get("user/")
    said = answer.ok()
    answer.demand(said["wrong"] == [], "nothing is different")


@step
def own_things(world: World) -> None:
    """Each sees and deletes their own, and nobody else's."""
    device, stranger = world.device(world.user()), world.device(world.user())
    made = device.post("notes/", {"text": "mine"}).ok(201)
    answer = device.get("notes/")
    answer.demand([one["text"] for one in answer.ok()] == ["mine"], "their own")
    answer = stranger.get("notes/")
    answer.demand(answer.ok() == [], "nobody else's")
    path = f"notes/{made['id']}/"
    answer = stranger.delete(path)
    answer.demand(answer.status == 403, "expected 403")
    device.get(path).ok()
    device.delete(path).ok(204)


@step
def new_password_by_its_owner(world: World) -> None:
    """The device that changes it stays signed in, the others do not."""
    user = world.user()
    device, other = world.device(user), world.device(user)
    device.post("password/", {"password": "correct horse battery"}).ok()
    device.get("protected/").ok()
    device.keep(device.refreshes().ok())
    device.get("protected/").ok()
    other.refreshes().refused(401, "token_not_valid", "password_changed")
    world.eventually_ended(other)
    other.post("token/", other.credentials).refused(401, "no_active_account")
    other.sign_in(password="correct horse battery")


@step
def new_password_by_somebody_else(world: World) -> None:
    few, user = world.user(), world.user()
    world.device(few)
    devices = [world.device(user) for _ in range(8)]
    made = []
    for each in (few, user):
        with world.orm():
            row = _loaded(each)
            world.recorder.statements()
            row.set_password("correct horse battery")
            row.save()
            made.append(len(world.recorder.statements()))
    if made[0] != made[1]:
        raise Unexpected(f"{made[0]} statements with one session, {made[1]} with eight")
    for device in devices:
        device.refreshes().refused(401, "token_not_valid", "password_changed")
        world.eventually_ended(device)


@step
def deactivated_user(world: World) -> None:
    device = world.device(world.user())
    with world.orm():
        row = _loaded(device.user)
        row.is_active = False
        row.save()
    device.refreshes().refused(401, "token_not_valid", "user_inactive")
    world.eventually_ended(device, user_is_gone=True)


@step
def deleted_user(world: World) -> None:
    device = world.device(world.user())
    credentials = device.credentials
    with world.orm():
        _loaded(device.user).delete()
    answer = device.refreshes()
    answer.demand(answer.status == 401, "expected 401")
    answer.demand(answer.said["reason"] in ("session_ended", "user_inactive"), "it says why")
    world.eventually_ended(device, user_is_gone=True)
    device.get("me/").refused(401)
    device.post("token/", credentials, token=None).refused(401, "no_active_account")


def _loaded(user: Any) -> Any:
    return get_user_model()._default_manager.get(pk=user.pk)
