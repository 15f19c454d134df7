"""docs/howto/django-otp.md: its code, with real devices."""

import re
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from django_otp import match_token
from django_otp.oath import totp
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice
from rest_framework.test import APIClient, APIRequestFactory

from drf_ratchet import checks
from drf_ratchet.exceptions import NoActiveAccount
from drf_ratchet.models import Session
from drf_ratchet.sessions import open_session
from tests import console
from tests.docs.project import project_of
from tests.fixtures import PASSWORD, Tokens, payload

pytestmark = [pytest.mark.any_database, pytest.mark.django_db]

PAGE = (console.ROOT / "docs" / "howto" / "django-otp.md").read_text()
OWN_PAGE = {"HTTP_SEC_FETCH_SITE": "same-origin"}
PATHS = ["/api/token/", "/api/browser/login/", "/api-token-auth/"]


@pytest.fixture(autouse=True)
def _project() -> Iterator[None]:
    with project_of("howto/django-otp.md"):
        yield


@pytest.fixture
def device(alice: User) -> TOTPDevice:
    """Alice's authenticator app."""
    return TOTPDevice.objects.create(user=alice, name="Phone")


@pytest.fixture
def backup(alice: User) -> str:
    """A backup code of hers."""
    device = StaticDevice.objects.create(user=alice, name="Paper")
    return str(device.token_set.create(token="abcd2345").token)


def code_of(device: TOTPDevice) -> str:
    """What the app shows. The device takes it although it may have had it before."""
    TOTPDevice.objects.filter(pk=device.pk).update(last_t=-1)
    return _code(device, 0)


def _code(device: TOTPDevice, step: int) -> str:
    return f"{totp(device.bin_key, t0=-step * device.step):06d}"


def wrong_code_of(device: TOTPDevice) -> str:
    near = {_code(device, step) for step in range(-2, 3)}
    return next(code for code in map("{:06d}".format, range(10)) if code not in near)


def sign_in(api: APIClient, path: str = "/api/token/", **body: Any) -> Any:
    return api.post(path, {"username": "alice", "password": PASSWORD, **body}, **OWN_PAGE)


def demand_row(answer: Any, name: str) -> None:
    """The response and the token are those of the page's table."""
    [row] = re.findall(rf"^\| {re.escape(name)} \| (.+?) \|(.+)\|$", PAGE, re.MULTILINE)
    status, _, code = row[0].partition(" ")
    assert answer.status_code == int(status), answer.content
    if code:
        assert answer.json()["code"] == code.strip("`")
    else:
        assert payload(answer.json()["access"])["amr"] == re.findall(r"`(\w+)`", row[1])


REFUSED = "a wrong password; no code, a wrong one, or one that was used"


def test_user_without_a_device(api: APIClient, alice: User) -> None:
    demand_row(sign_in(api), "password, for a user without a device")


def test_app(api: APIClient, device: TOTPDevice) -> None:
    demand_row(sign_in(api, otp_token=code_of(device)), "password and `otp_token`")


def test_backup_code(api: APIClient, device: TOTPDevice, backup: str) -> None:
    name = 'password, `otp_token` and `"otp_device": "backup"`'
    demand_row(sign_in(api, otp_token=backup, otp_device="backup"), name)
    demand_row(sign_in(api, otp_token=backup, otp_device="backup"), REFUSED)


@pytest.mark.parametrize("path", PATHS)
def test_no_endpoint_signs_in_without_the_code(
    api: APIClient, device: TOTPDevice, backup: str, path: str
) -> None:
    for body in ({}, {"otp_token": ""}, {"otp_token": "x"}, {"otp_token": backup}):
        assert sign_in(api, path, **body).status_code in (400, 401)
        TOTPDevice.objects.update(throttling_failure_count=0)
    assert not Session.objects.exists()
    assert sign_in(api, path, otp_token=code_of(device)).status_code in (200, 201)
    assert Session.objects.get().amr == "pwd otp mfa"
    assert checks.check_sign_in_endpoints() == []


def test_wrong_code_looks_like_a_wrong_password(api: APIClient, device: TOTPDevice) -> None:
    answers = [
        sign_in(api, password="wrong", otp_token=code_of(device)),
        sign_in(api, otp_token=wrong_code_of(device)),
        sign_in(api),
        sign_in(api, username="nobody", otp_token="123456"),
    ]
    for answer in answers:
        demand_row(answer, REFUSED)
    assert len({answer.content for answer in answers}) == 1
    assert len({answer["WWW-Authenticate"] for answer in answers}) == 1


def test_code_counts_once(api: APIClient, device: TOTPDevice) -> None:
    code = code_of(device)
    assert sign_in(api, otp_token=code).status_code == 200
    demand_row(sign_in(api, otp_token=code), REFUSED)


def test_device_waits_after_each_wrong_code(api: APIClient, device: TOTPDevice) -> None:
    assert sign_in(api, otp_token=wrong_code_of(device)).status_code == 401
    demand_row(sign_in(api, otp_token=code_of(device)), REFUSED)
    for failures, seconds in ((1, 1), (2, 2), (3, 4)):
        device.throttling_failure_count = failures
        for early in (True, False):
            passed = timedelta(seconds=seconds + (-0.5 if early else 0.5))
            device.throttling_failure_timestamp = timezone.now() - passed
            assert device.verify_is_allowed()[0] is not early
    device.save()
    assert sign_in(api, otp_token=code_of(device)).status_code == 200


def test_failures_count_as_failed_sign_ins(
    api: APIClient, device: TOTPDevice, settings: Any
) -> None:
    rates = {"DEFAULT_THROTTLE_RATES": {"sign_in": "2/hour"}}
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, **rates}
    answers = [sign_in(api, otp_token="000000") for _ in range(3)]
    assert [one.status_code for one in answers] == [401, 401, 429]
    demand_row(answers[-1], "too many failures")


def by_match_token(user: User, kind: str, code: str) -> bool:
    return match_token(user, code) is not None


@pytest.mark.parametrize("way", ["is_valid", "match_token"])
def test_sign_in_by_app_does_not_lock_the_backup_device(
    api: APIClient,
    device: TOTPDevice,
    backup: str,
    monkeypatch: pytest.MonkeyPatch,
    way: str,
) -> None:
    """And with ``match_token`` it does: why the page does without."""
    if way == "match_token":
        monkeypatch.setattr(sys.modules["shop.otp"], "is_valid", by_match_token)
    for _ in range(3):
        assert sign_in(api, otp_token=code_of(device)).status_code == 200
    answer = sign_in(api, otp_token=backup, otp_device="backup")
    assert answer.status_code == (200 if way == "is_valid" else 401)


def test_device_that_is_not_confirmed_does_not_count(api: APIClient, device: TOTPDevice) -> None:
    TOTPDevice.objects.update(confirmed=False)
    assert payload(sign_in(api, otp_token=code_of(device)).json()["access"])["amr"] == ["pwd"]


def test_device_of_another_user(api: APIClient, alice: User, device: TOTPDevice) -> None:
    bob = User.objects.create_user("bob", password=PASSWORD)
    other = TOTPDevice.objects.create(user=bob, name="Phone")
    assert sign_in(api, otp_token=code_of(other)).status_code == 401


def remove_devices(tokens: Tokens) -> int:
    request = APIRequestFactory().delete("/", headers={"authorization": f"Bearer {tokens.access}"})
    status: int = sys.modules["shop.views"].RemoveDevices.as_view()(request).status_code
    return status


def test_step_up(api: APIClient, alice: User, device: TOTPDevice) -> None:
    tokens = Tokens(**sign_in(api, otp_token=code_of(device)).json())
    Session.objects.update(auth_time=timezone.now() - timedelta(hours=1))
    tokens = Tokens(**api.post("/api/token/refresh/", {"refresh": tokens.refresh}).json())
    assert remove_devices(tokens) == 401
    body = {"refresh": tokens.refresh, "password": PASSWORD}
    for code in ({}, {"otp_token": wrong_code_of(device)}):
        assert api.post("/api/step-up/", {**body, **code}, **tokens.bearer).status_code == 401
        TOTPDevice.objects.update(throttling_failure_count=0)
    code = {"otp_token": code_of(device)}
    answer = api.post("/api/step-up/", {**body, **code}, **tokens.bearer)
    assert answer.status_code == 200
    claims = payload(answer.json()["access"])
    assert claims["amr"] == ["pwd", "otp", "mfa"]
    assert claims["auth_time"] >= time.time() - 60
    assert remove_devices(Tokens(**answer.json())) == 204
    assert not TOTPDevice.objects.exists()


@pytest.mark.parametrize(("amr", "allowed"), [((), False), (("swk",), False), (("otp",), True)])
def test_policy_refuses_other_sign_ins(
    alice: User, device: TOTPDevice, amr: tuple[str, ...], allowed: bool
) -> None:
    if allowed:
        assert open_session(alice, amr=amr).access
    else:
        with pytest.raises(NoActiveAccount):
            open_session(alice, amr=amr)
    device.delete()
    assert open_session(alice, amr=amr).access


def test_session_from_before_the_device_is_refreshed(api: APIClient, alice: User) -> None:
    tokens = Tokens(**sign_in(api).json())
    TOTPDevice.objects.create(user=alice, name="Phone")
    assert api.post("/api/token/refresh/", {"refresh": tokens.refresh}).status_code == 200
