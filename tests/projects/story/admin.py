"""Django's admin, with our pages in it."""

import re

from django.contrib.auth import get_user_model
from django.urls import reverse

from tests.projects.world import PASSWORD, Answer, Device, World, step


@step
def admin_pages(world: World) -> None:
    """The list of sessions, one of them, the users, one of them, and an ending."""
    device = world.device(world.user())
    staff = world.device()
    staff.user = world.user(is_staff=True, is_superuser=True)
    _sign_in(staff)
    answer = _page(staff, "drf_ratchet_session_changelist")
    answer.demand(device.session in answer.response.text, "it lists the session")
    _page(staff, "drf_ratchet_session_changelist", "?q=user")
    for state in ("ended", "active"):
        _page(staff, "drf_ratchet_session_changelist", f"?state={state}")
    _page(staff, "drf_ratchet_session_change", args=[device.session])
    meta = get_user_model()._meta
    user = f"{meta.app_label}_{meta.model_name}"
    _page(staff, f"{user}_changelist")
    answer = _page(staff, f"{user}_change", args=[str(device.user.pk)])
    answer.demand("drf_ratchet/session" in answer.response.text, "it leads to the sessions")
    _page(staff, "index")
    device.get("protected/").ok()


def _sign_in(staff: Device) -> None:
    login = reverse("admin:login")
    answer = staff.get(login, Accept="text/html")
    answer.ok()
    body = {
        "username": staff.user.get_username(),
        "password": PASSWORD,
        "csrfmiddlewaretoken": _csrf(answer),
        "next": reverse("admin:index"),
    }
    from urllib.parse import urlencode

    answer = staff.ask(
        "POST",
        login,
        content=urlencode(body).encode(),
        **{
            "Content-Type": "application/x-www-form-urlencoded",
            "Referer": f"https://{staff.host}{login}",
        },
    )
    answer.demand(answer.status == 302, "the admin lets its staff in")


def _page(staff: Device, name: str, query: str = "", args: list[str] | None = None) -> Answer:
    answer = staff.get(reverse(f"admin:{name}", args=args) + query, Accept="text/html")
    answer.ok()
    return answer


def _csrf(answer: Answer) -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', answer.response.text)
    answer.demand(found, "the form has a CSRF token")
    assert found is not None
    return found[1]
