"""The signal of a sign-in on a device or a network that the user has not used."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import RequestFactory

from drf_ratchet.sessions import end_session, open_session
from drf_ratchet.signals import signed_in_elsewhere

PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) Safari/604.1"
LAPTOP = "Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0"


@pytest.fixture
def heard() -> Iterator[list[tuple[bool, bool]]]:
    """What receivers are told: new_device and new_network."""
    told: list[tuple[bool, bool]] = []

    def hear(new_device: bool, new_network: bool, session: Any, **kwargs: Any) -> None:
        assert session.pk
        told.append((new_device, new_network))

    signed_in_elsewhere.connect(hear)
    yield told
    signed_in_elsewhere.disconnect(hear)


def sign_in(user: User, user_agent: str = PHONE, ip: str = "192.0.2.1") -> Any:
    request = RequestFactory().post("/", headers={"user-agent": user_agent}, REMOTE_ADDR=ip)
    return open_session(user, request=request).session


def test_the_first_session_is_no_surprise(alice: User, heard: list[Any]) -> None:
    sign_in(alice)
    assert heard == []


@pytest.mark.parametrize(
    ("user_agent", "ip", "told"),
    [
        (PHONE, "192.0.2.1", []),
        (PHONE.replace("17_1", "18_0").replace("604.1", "605.2"), "192.0.2.1", []),
        (LAPTOP, "192.0.2.1", [(True, False)]),
        (PHONE, "192.0.2.2", [(False, True)]),
        (LAPTOP, "198.51.100.7", [(True, True)]),
        ("", "2001:db8::1", [(True, True)]),
    ],
)
def test_what_is_new_is_told(
    user_agent: str, ip: str, told: list[Any], alice: User, heard: list[Any]
) -> None:
    sign_in(alice)
    sign_in(alice, user_agent, ip)
    assert heard == told


def test_ended_sessions_count_as_known(alice: User, heard: list[Any]) -> None:
    end_session(sign_in(alice))
    sign_in(alice)
    assert heard == []


def test_another_users_devices_do_not_count(alice: User, heard: list[Any]) -> None:
    bob = User.objects.create_user("bob")
    sign_in(bob, LAPTOP)
    sign_in(alice)
    sign_in(alice, LAPTOP)
    assert heard == [(True, False)]


def test_a_network_of_ipv6_is_the_64(alice: User, heard: list[Any]) -> None:
    sign_in(alice, PHONE, "2001:db8::1")
    sign_in(alice, PHONE, "2001:db8::ffff:1")
    assert heard == []


def test_without_a_receiver_there_is_no_query(alice: User, django_assert_num_queries: Any) -> None:
    sign_in(alice)
    with django_assert_num_queries(1):
        open_session(alice)
