"""The sessions in the admin: who sees what, and how they are ended."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.response import Response

from drf_ratchet import signals
from drf_ratchet.admin import paginator, sessions
from drf_ratchet.admin.device_name import device_name
from drf_ratchet.admin.session_state import REASONS
from drf_ratchet.ids import uuid7
from drf_ratchet.models import Session
from drf_ratchet.sessions import EndReason, end_session
from tests.admin.conftest import FIREFOX, SESSIONS, act, make_session, page_of
from tests.fixtures import Tokens

pytestmark = pytest.mark.django_db

NOBODYS = "01a2009a-b9d1-76a6-a5f8-6cb3d192eb20"

SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1"
)


@pytest.fixture
def bob(db: None) -> User:
    return User.objects.create_user("bob")


def shown(answer: Any) -> set[str]:
    """The ids of the sessions that a list shows."""
    assert answer.status_code == 200
    return set(re.findall(r'name="_selected_action" value="([^"]+)"', answer.content.decode()))


def ids(*found: Session) -> set[str]:
    return {str(session.pk) for session in found}


# The list


def test_the_list_says_who_and_where(admin: Client, alice: User) -> None:
    make_session(alice)

    page = admin.get(SESSIONS).content.decode()

    for text in ("alice", "Firefox on Windows", "192.0.2.1", "Active"):
        assert text in page


def test_it_is_newest_first_and_nothing_else(admin: Client, alice: User) -> None:
    made = [str(make_session(alice).pk) for _ in range(3)]
    for order in ("", "?o=1", "?o=6.-1", "?o=x"):
        page = admin.get(SESSIONS + order).content.decode()
        assert re.findall(r'name="_selected_action" value="([^"]+)"', page) == made[::-1]
    assert "sortable" not in page


@pytest.mark.parametrize("number", [1, 100])
def test_a_hundred_rows_cost_what_one_does(admin: Client, alice: User, number: int) -> None:
    people = [User(username=f"user{index}") for index in range(number)]
    for user in User.objects.bulk_create(people):
        make_session(user)
    admin.get(SESSIONS)

    with CaptureQueriesContext(
        connection,
    ) as queries:
        answer = admin.get(SESSIONS)

    assert len(shown(answer)) == number
    # The browser's session and its user, a bounded count, and the page.
    assert len(queries) == 4, queries.captured_queries
    counts = [query["sql"] for query in queries if "COUNT(" in query["sql"]]
    assert len(counts) == 1
    assert f"LIMIT {paginator.MOST}" in counts[0]


def test_no_more_are_counted_than_can_be_leafed_through(
    admin: Client, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paginator, "MOST", 3)
    made = [make_session(alice) for _ in range(5)]

    answer = admin.get(SESSIONS)

    assert answer.context["cl"].result_count == 3
    assert "Only the newest 3 are counted" in answer.content.decode()
    assert shown(admin.get(SESSIONS, {"q": str(made[0].pk)})) == ids(made[0])


def test_search(admin: Client, alice: User, bob: User) -> None:
    windows = make_session(alice, ip="2001:db8::1")
    phone = make_session(bob, user_agent=SAFARI, ip="198.51.100.7")
    for term, found in {
        "alice": ids(windows),
        "lic": ids(windows),
        f" {phone.pk} ": ids(phone),
        phone.pk.hex: ids(phone),
        "198.51.100.7": ids(phone),
        "198.51.": ids(phone),
        "2001:0db8:0::1": ids(windows),
        "firefox windows": ids(windows),
        "iphone bo": ids(phone),
        "Mozilla": ids(windows, phone),
        "iphone firefox": set(),
        str(uuid7()): set(),
        "": ids(windows, phone),
    }.items():
        assert shown(admin.get(SESSIONS, {"q": term})) == found, term


def test_a_search_for_a_whole_name_reads_no_column_of_text(admin: Client, alice: User) -> None:
    make_session(alice)
    for term in ("alice", "192.0.2.1", str(uuid7())):
        with CaptureQueriesContext(connection) as queries:
            admin.get(SESSIONS, {"q": term})
        assert not [query for query in queries if "LIKE" in query["sql"].upper()]


@pytest.mark.parametrize("number", [400, 3000])
def test_a_search_for_many_words_is_no_error(admin: Client, alice: User, number: int) -> None:
    made = make_session(alice)
    assert shown(admin.get(SESSIONS, {"q": "alice " * number})) == ids(made)
    with CaptureQueriesContext(connection) as queries:
        admin.get(SESSIONS, {"q": " ".join(map(str, range(number)))})
    assert max(query["sql"].upper().count(" LIKE ") for query in queries) < 50


def test_filters(admin: Client, alice: User, bob: User) -> None:
    active, expired, ended, odd = (make_session(alice) for _ in range(4))
    of_bob = make_session(bob)
    now = timezone.now()
    rows = Session.objects
    rows.filter(pk=expired.pk).update(expires_at=now, rotated_at=now - timedelta(days=8))
    rows.filter(pk=active.pk).update(rotated_at=now - timedelta(days=40))
    end_session(ended, reason=EndReason.REUSE)
    end_session(odd, reason="moved_house")
    everything = ids(active, expired, ended, odd, of_bob)
    for query, found in {
        "state=active": ids(active, of_bob),
        "state=expired": ids(expired),
        "state=ended": ids(ended, odd),
        "reason=reuse_detected": ids(ended),
        "reason=other": ids(odd),
        "last_use=today": ids(ended, odd, of_bob),
        "last_use=week": ids(ended, odd, of_bob),
        "last_use=month": everything - ids(active),
        "last_use=older": ids(active),
        f"user={bob.pk}": ids(of_bob),
        f"user={bob.pk}&state=ended": set(),
        "user=0": set(),
        "": everything,
    }.items():
        assert shown(admin.get(f"{SESSIONS}?{query}")) == found, query
    page = admin.get(f"{SESSIONS}?user={bob.pk}").content.decode()
    assert 'aria-current="true"' in page or "selected" in page
    assert "moved_house" in admin.get(SESSIONS).content.decode()


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/Lima"])
def test_states_and_times_without_time_zones(
    admin: Client, alice: User, settings: Any, zone: str
) -> None:
    settings.USE_TZ, settings.TIME_ZONE = False, zone
    active, expired = make_session(alice), make_session(alice)
    minute = timedelta(minutes=1)
    for session, end in ((active, minute), (expired, -minute)):
        at = session.created_at + end
        Session.objects.filter(pk=session.pk).update(expires_at=at, rotated_at=at - 2 * minute)
    for session, word in ((active, "Active"), (expired, "Expired")):
        state = "active" if word == "Active" else "expired"
        assert shown(admin.get(SESSIONS, {"state": state})) == ids(session)
        assert f">{word}<" in admin.get(page_of(session)).content.decode()
    Session.objects.filter(pk=expired.pk).update(
        rotated_at=expired.created_at - timedelta(days=7) + 5 * minute
    )
    Session.objects.filter(pk=active.pk).update(
        rotated_at=active.created_at - timedelta(days=7) - 5 * minute
    )
    assert shown(admin.get(SESSIONS, {"last_use": "week"})) == ids(expired)


def test_every_reason_has_words() -> None:
    assert set(REASONS) == set(EndReason)


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (FIREFOX, "Firefox on Windows"),
        (SAFARI, "Safari on iPhone"),
        (FIREFOX.replace("Firefox/140.0", "Chrome/140 Safari/537 Edg/140"), "Edge on Windows"),
        ("curl/8.5.0", "curl"),
        ("MyApp/2.1", "MyApp/2.1"),
        ("x" * 200, "x" * 40 + "…"),
        ("", "Unknown device"),
    ],
)
def test_device_name(user_agent: str, name: str) -> None:
    assert device_name(user_agent) == name


# One session


def test_the_page_of_a_session_shows_nothing_that_signs_anybody_in(
    admin: Client, tokens: Tokens, refresh: Callable[..., Response]
) -> None:
    answer = refresh(tokens.refresh, key="a-key-of-the-client")
    session = tokens.session
    assert session.fingerprint
    assert session.idempotency_key_hash

    for address in (SESSIONS, page_of(session), f"{SESSIONS}{session.pk}/history/"):
        page = admin.get(address).content.decode()
        assert str(session.pk) in page
        for secret in (
            session.fingerprint,
            session.idempotency_key_hash,
            *answer.json().values(),
            *(tokens.access, tokens.refresh),
        ):
            assert secret not in page
            assert secret.rpartition(".")[2] not in page


def test_nothing_of_it_can_be_changed(admin: Client, alice: User) -> None:
    session = make_session(alice)
    before = Session.objects.values().get()
    page = admin.get(page_of(session)).content.decode()
    assert not re.findall(r'<(?:input|select|textarea)[^>]* name="(?!csrf|_)[a-z]', page)
    assert 'name="_save"' not in page

    assert admin.post(page_of(session), {"ip": "203.0.113.1"}).status_code == 403
    assert admin.get(f"{SESSIONS}add/").status_code == 403
    assert admin.post(f"{SESSIONS}add/", {}).status_code == 403
    assert admin.post(f"{SESSIONS}{session.pk}/delete/", {"post": "yes"}).status_code == 403
    assert act(admin, "delete_selected", [session], post="yes").status_code == 200
    assert Session.objects.values().get() == before


def test_session_and_user_lead_to_each_other(admin: Client, alice: User) -> None:
    session = make_session(alice)
    user_page = f"/admin/auth/user/{alice.pk}/change/"

    assert f'href="{user_page}"' in admin.get(page_of(session)).content.decode()
    assert f'href="{SESSIONS}?user={alice.pk}"' in admin.get(user_page).content.decode()


def test_a_deleted_users_session_is_shown(admin: Client, alice: User) -> None:
    session = make_session(alice)
    alice.delete()
    assert "The user was deleted" in admin.get(SESSIONS).content.decode()
    assert admin.get(page_of(session)).status_code == 200
    answer = act(admin, "end_all_of_users", [session])
    assert "The users of these sessions are deleted" in answer.content.decode()


# Ending


def test_end_one_on_its_page(
    admin: Client, tokens: Tokens, refresh: Callable[..., Response]
) -> None:
    session = tokens.session
    seen = []

    def receive(**kwargs: Any) -> None:
        seen.append((kwargs["session"].pk, kwargs["reason"]))

    signals.session_ended.connect(receive)
    try:
        assert "End this session" in admin.get(page_of(session)).content.decode()
        answer = admin.post(f"{SESSIONS}{session.pk}/end/", follow=True)
    finally:
        signals.session_ended.disconnect(receive)

    assert answer.redirect_chain == [(page_of(session), 302)]
    page = answer.content.decode()
    assert "1 session was ended." in page
    assert "Ended by an administrator" in page
    assert "End this session" not in page
    assert seen == [(session.pk, EndReason.ADMIN)]
    assert refresh(tokens.refresh).json()["reason"] == "session_ended"
    entry = LogEntry.objects.get()
    assert (entry.object_id, entry.user.username) == (str(session.pk), "root")
    assert "Ended." in admin.get(f"{SESSIONS}{session.pk}/history/").content.decode()
    # The first ending stays, and is not written down twice.
    assert (
        "0 sessions were ended."
        in admin.post(f"{SESSIONS}{session.pk}/end/", follow=True).content.decode()
    )
    assert LogEntry.objects.count() == 1


def test_end_the_selected(admin: Client, alice: User, bob: User) -> None:
    first, second, third = make_session(alice), make_session(alice), make_session(bob)
    end_session(second)

    page = act(admin, "end_selected", [first, second]).content.decode()

    assert "1 session was ended." in page
    reasons = Session.objects.in_bulk()
    assert reasons[first.pk].end_reason == EndReason.ADMIN
    assert reasons[second.pk].end_reason == EndReason.LOGOUT
    assert reasons[third.pk].ended_at is None
    assert [entry.object_id for entry in LogEntry.objects.all()] == [str(first.pk)]


def test_log_out_everywhere_asks_first(admin: Client, alice: User, bob: User) -> None:
    chosen, other, of_bob = make_session(alice), make_session(alice), make_session(bob)

    page = act(admin, "end_all_of_users", [chosen]).content.decode()
    assert "alice: 2 active sessions" in page
    assert "bob" not in page
    assert not Session.objects.filter(ended_at__isnull=False).exists()

    hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page)
    body = {name: value for name, value in hidden if name != "csrfmiddlewaretoken"}
    page = admin.post(SESSIONS, body, follow=True).content.decode()

    assert "2 sessions were ended." in page
    assert ids(*Session.objects.filter(end_reason=EndReason.ADMIN)) == ids(chosen, other)
    assert Session.objects.get(pk=of_bob.pk).ended_at is None
    assert {entry.object_id for entry in LogEntry.objects.all()} == {
        *ids(chosen, other),
        str(alice.pk),
    }


def test_too_many_sessions_need_the_command(
    admin: Client, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "MOST_SESSIONS", 2)
    made = [make_session(alice) for _ in range(3)]
    for action in ("end_selected", "end_all_of_users"):
        page = act(admin, action, made[:1], select_across="1").content.decode()
        assert "No session was ended." in page
    assert not Session.objects.filter(ended_at__isnull=False).exists()


def test_so_are_too_many_of_a_user(
    admin: Client, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "MOST_SESSIONS", 2)
    made = [make_session(alice) for _ in range(3)]
    for more in ({}, {"post": "yes"}):
        page = act(admin, "end_all_of_users", made[:1], **more).content.decode()
        assert "No session was ended." in page
    assert not Session.objects.filter(ended_at__isnull=False).exists()


@pytest.mark.django_db(transaction=True)
def test_under_atomic_requests(admin: Client, alice: User) -> None:
    connection.settings_dict["ATOMIC_REQUESTS"] = True
    try:
        first, second = make_session(alice), make_session(alice)
        assert admin.post(f"{SESSIONS}{first.pk}/end/").status_code == 302
        act(admin, "end_selected", [second])
    finally:
        connection.settings_dict["ATOMIC_REQUESTS"] = False
    assert not Session.objects.filter(ended_at=None).exists()


# Permissions


def test_pages_without_permission_are_forbidden(staff: Any, alice: User) -> None:
    client = staff("view_user")
    session = make_session(alice)
    for address in (SESSIONS, page_of(session), f"{SESSIONS}keys/"):
        assert client.get(address).status_code == 403
    assert client.post(f"{SESSIONS}{session.pk}/end/").status_code == 403
    assert "session" not in client.get("/admin/").content.decode()
    assert SESSIONS not in client.get(f"/admin/auth/user/{alice.pk}/change/").content.decode()


def test_no_user_is_named_who_has_no_session(staff: Any, alice: User, bob: User) -> None:
    client = staff("view_session")
    make_session(alice)
    assert "alice" in client.get(f"{SESSIONS}?user={alice.pk}").content.decode()
    for key in (bob.pk, 10**6):
        page = client.get(f"{SESSIONS}?user={key}").content.decode()
        assert f'?user={key}">Unknown user<' in page
        assert "bob" not in page
    of_users = staff("view_session", "view_user", name="other")
    assert "bob" in of_users.get(f"{SESSIONS}?user={bob.pk}").content.decode()


def test_view_permission_does_not_allow_ending(staff: Any, alice: User) -> None:
    client = staff("view_session")
    session = make_session(alice)
    page = client.get(SESSIONS).content.decode()
    assert "alice" in page
    assert "end_selected" not in page
    assert "End this session" not in client.get(page_of(session)).content.decode()
    assert client.get(f"{SESSIONS}keys/").status_code == 200

    assert client.post(f"{SESSIONS}{session.pk}/end/").status_code == 403
    for action in ("end_selected", "end_all_of_users"):
        act(client, action, [session], post="yes")
    assert Session.objects.get().ended_at is None


def test_end_permission_allows_viewing(staff: Any, alice: User) -> None:
    client = staff("change_session")
    session = make_session(alice)
    assert "End this session" in client.get(page_of(session)).content.decode()
    act(client, "end_selected", [session])
    assert Session.objects.get().end_reason == EndReason.ADMIN


def test_strangers_are_sent_to_sign_in(alice: User) -> None:
    session = make_session(alice)
    client = Client()
    for address in (SESSIONS, page_of(session), f"{SESSIONS}keys/", f"{SESSIONS}{session.pk}/end/"):
        assert client.get(address).status_code == 302
        assert client.post(address).status_code == 302
    assert Session.objects.get().ended_at is None


def test_ending_takes_a_post_with_a_token(alice: User) -> None:
    session = make_session(alice)
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.create_superuser("root"))

    assert client.get(f"{SESSIONS}{session.pk}/end/").status_code == 405
    assert client.post(f"{SESSIONS}{session.pk}/end/").status_code == 403
    assert act(client, "end_selected", [session]).status_code == 403
    assert Session.objects.get().ended_at is None


# Odd inputs

ODD = [
    "?id=abc",
    "?q=%00",
    "?q=%ED%A0%80",
    "?q=" + "x" * 3000,
    "?q=%25%5F'\"",
    "?p=abc",
    "?p=99999999999999999999",
    "?p=-1",
    "?all=",
    "?o=99.x.-",
    "?user=abc",
    "?user=99999999999999999999999",
    "?user=%00",
    "?user__password__startswith=a",
    "?user_id=1",
    "?state=abc",
    "?reason=%00",
    "?last_use=abc",
    "?fingerprint__startswith=a",
    "?idempotency_key_hash__startswith=a",
    "?rotated_at__gte=abc",
    "?generation=99999999999999999999999",
    "?_popup=1",
    "?_popup=1&_to_field=id",
    "?_to_field=fingerprint",
    "?_facets=True",
    "?e=1",
]


@pytest.mark.parametrize("query", ODD)
def test_unusual_query_is_accepted(admin: Client, alice: User, query: str) -> None:
    make_session(alice)
    answer = admin.get(SESSIONS + query, follow=True)
    assert answer.status_code in (200, 400)


@pytest.mark.parametrize("name", ["fingerprint", "idempotency_key_hash"])
def test_no_hidden_column_can_be_guessed_at(admin: Client, alice: User, name: str) -> None:
    session = make_session(alice)
    for value in (getattr(session, name)[:1] or "a", "#"):
        assert admin.get(f"{SESSIONS}?{name}__startswith={value}").status_code == 400


@pytest.mark.parametrize("object_id", ["abc", "0", "%00", "x" * 300, NOBODYS, "a/b"])
def test_invalid_id_is_not_an_error(admin: Client, object_id: str) -> None:
    for what in ("change", "history", "end", "delete"):
        address = f"{SESSIONS}{object_id}/{what}/"
        for answer in (admin.get(address), admin.post(address)):
            assert answer.status_code in (302, 403, 404, 405)


def test_a_selection_of_no_ids_is_no_error(admin: Client, alice: User) -> None:
    make_session(alice)
    for action in ("end_selected", "end_all_of_users", "delete_selected", "x"):
        for selected in (["abc"], ["\0"], [uuid7()]):
            assert act(admin, action, selected).status_code == 200
    assert Session.objects.get().ended_at is None
