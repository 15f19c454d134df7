"""How a user authenticated: `amr`, `acr` and `auth_time`, and the permissions that ask for them."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings as settings_before
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from rest_framework.permissions import IsAdminUser
from rest_framework.response import Response
from rest_framework.test import APIClient, APIRequestFactory, force_authenticate
from rest_framework.views import APIView

from drf_ratchet.models import Session
from drf_ratchet.permissions import IsOwner, RequireAuthentication
from drf_ratchet.sessions import open_session, refresh_session
from drf_ratchet.sessions.refreshing import read_refresh, step_up_session
from ratchet_tokens.claims import Claims
from tests.fixtures import Tokens, payload


def ratchet(**changes: Any) -> dict[str, Any]:
    return {**settings_before.DRF_RATCHET, **changes}


ACR = {"phr": ["hwk"], "mfa": ["pwd", "otp"], "password": "pwd"}


class TestTheToken:
    def test_a_sign_in_with_a_password_says_so(self, tokens: Tokens) -> None:
        assert payload(tokens.access)["amr"] == ["pwd"]
        assert "acr" not in payload(tokens.access)

    def test_a_refresh_keeps_what_was_proved(self, alice: User) -> None:
        grant = open_session(alice, amr=["hwk", "user", "hwk"])
        before = payload(grant.access)
        for _ in range(3):
            assert grant.refresh is not None
            grant = refresh_session(grant.refresh)
            after = payload(grant.access)
            assert after["amr"] == before["amr"] == ["hwk", "user"]
            assert after["auth_time"] == before["auth_time"]

    def test_without_methods_there_is_no_claim(self, alice: User) -> None:
        assert "amr" not in payload(open_session(alice).access)

    def test_a_step_up_replaces_the_methods(self, alice: User) -> None:
        grant = open_session(alice, amr=["hwk"])
        stepped = step_up_session(read_refresh(grant.refresh), amr=["pwd"])
        assert payload(stepped.access)["amr"] == ["pwd"]
        assert stepped.refresh is not None
        assert payload(refresh_session(stepped.refresh).access)["amr"] == ["pwd"]

    @pytest.mark.parametrize(
        ("amr", "acr"),
        [
            (["hwk"], "phr"),
            (["pwd", "hwk"], "phr"),
            (["otp", "pwd"], "mfa"),
            (["pwd"], "password"),
            (["otp"], None),
            ([], None),
        ],
    )
    def test_the_first_class_that_was_met(
        self, amr: list[str], acr: str | None, alice: User, settings: Any
    ) -> None:
        settings.DRF_RATCHET = ratchet(ACR_VALUES=ACR)
        assert payload(open_session(alice, amr=amr).access).get("acr") == acr

    @pytest.mark.parametrize(
        "amr", [["a b"], [""], ["é"], ["x\n"], ["x" * 101], ["ab"] * 1 + ["x" * 98]]
    )
    def test_a_method_that_is_no_short_word_is_refused(self, amr: list[str], alice: User) -> None:
        with pytest.raises(ValueError, match="amr"):
            open_session(alice, amr=amr)
        assert not Session.objects.exists()

    @pytest.mark.parametrize("name", ["amr", "acr", "auth_time"])
    def test_the_projects_own_claims_cannot_say_it(
        self, name: str, alice: User, settings: Any
    ) -> None:
        settings.DRF_RATCHET = ratchet(CLAIMS=lambda user, **kwargs: {name: ["hwk"]})
        with pytest.raises(ImproperlyConfigured, match=name):
            open_session(alice)
        settings.DRF_RATCHET = ratchet()
        with pytest.raises(ImproperlyConfigured, match=name):
            open_session(alice, get_claims=lambda user: {name: "hwk"})

    @pytest.mark.parametrize("given", [[], {"": "pwd"}, {"mfa": []}, {"mfa": 1}, {1: "pwd"}])
    def test_wrong_classes_are_refused(self, given: Any, alice: User, settings: Any) -> None:
        settings.DRF_RATCHET = ratchet(ACR_VALUES=given)
        with pytest.raises(ImproperlyConfigured, match="ACR_VALUES"):
            open_session(alice)

    def test_introspection_shows_them(self, alice: User, settings: Any, api: APIClient) -> None:
        secret = "hunter2-hunter2-hunter2-hunter2-1"
        settings.DRF_RATCHET = ratchet(ACR_VALUES=ACR, SERVICE_SECRETS={"billing": secret})
        grant = open_session(alice, amr=["pwd", "otp"])
        settings.ROOT_URLCONF = "tests.services.urls"
        answer = api.post(
            "/api/introspect/",
            f"token={grant.access}",
            content_type="application/x-www-form-urlencoded",
            headers={"authorization": basic("billing", secret)},
        )
        assert (answer.data["amr"], answer.data["acr"]) == (("pwd", "otp"), "mfa")


def basic(name: str, secret: str) -> str:
    from base64 import b64encode

    return "Basic " + b64encode(f"{name}:{secret}".encode()).decode()


Ask = Callable[..., Response]


@pytest.fixture
def ask(alice: User) -> Ask:
    """Call a view behind a permission with a token that says what is given."""

    def ask(permission: Any, *, obj: object = None, user: User = alice, **claims: Any) -> Response:
        class View(APIView):
            authentication_classes = ()
            permission_classes = (permission,)

            def get(self, request: Any) -> Response:
                if obj is not None:
                    self.check_object_permissions(request, obj)
                return Response()

        request = APIRequestFactory().get("/")
        force_authenticate(request, user, Claims({"auth_time": time.time(), **claims}))
        answer: Response = View.as_view()(request)
        return answer

    return ask


class TestThePermission:
    @pytest.mark.parametrize(
        ("asked", "said", "allowed"),
        [
            ({"amr": "hwk"}, {"amr": ["hwk", "user"]}, True),
            ({"amr": "hwk"}, {"amr": ["pwd"]}, False),
            ({"amr": "hwk"}, {}, False),
            ({"amr": "hwk"}, {"amr": "hwk"}, False),
            ({"amr": ["pwd", "otp"]}, {"amr": ["otp", "pwd"]}, True),
            ({"amr": ["pwd", "otp"]}, {"amr": ["pwd"]}, False),
            ({"acr": "mfa"}, {"acr": "mfa"}, True),
            ({"acr": ["phr", "mfa"]}, {"acr": "mfa"}, True),
            ({"acr": "mfa"}, {"acr": "password"}, False),
            ({"acr": "mfa"}, {}, False),
            ({"max_age": 300}, {"auth_time": -299}, True),
            ({"max_age": 300}, {"auth_time": -301}, False),
            ({"max_age": 300}, {"auth_time": "now"}, False),
            ({"amr": "hwk", "max_age": 300}, {"amr": ["hwk"], "auth_time": 0}, False),
            ({"amr": "hwk", "max_age": 300}, {"amr": ["pwd"]}, False),
        ],
    )
    def test_it_asks_how_and_when(
        self, asked: dict[str, Any], said: dict[str, Any], allowed: bool, ask: Ask
    ) -> None:
        moment = said.get("auth_time")
        if isinstance(moment, int) and moment < 0:  # seconds ago: parameters are made at the import
            said = {**said, "auth_time": time.time() + moment}
        answer = ask(RequireAuthentication(**asked), **said)
        assert answer.status_code == (200 if allowed else 401)
        if not allowed:
            assert answer.data["code"] == "reauthentication_required"

    def test_the_challenge_is_that_of_rfc_9470(self, ask: Ask) -> None:
        permission = RequireAuthentication(amr="hwk", acr=["phr", "mfa"], max_age=300)
        assert ask(permission)["WWW-Authenticate"] == (
            'Bearer error="insufficient_user_authentication", acr_values="phr mfa", '
            'amr_values="hwk", max_age="300"'
        )

    def test_it_must_ask_for_something(self) -> None:
        with pytest.raises(ValueError, match="requires nothing"):
            RequireAuthentication()

    @pytest.mark.parametrize("order", [lambda a, b: a | b, lambda a, b: b | a])
    def test_either_of_two_is_enough(self, order: Any, ask: Ask) -> None:
        staff = User(username="staff", is_staff=True)
        permission = order(RequireAuthentication(amr="hwk"), IsAdminUser)
        assert ask(permission).status_code == 401
        assert ask(permission, user=staff).status_code == 200
        assert ask(permission, amr=["hwk"]).status_code == 200

    def test_both_of_two_are_needed(self, ask: Ask) -> None:
        permission = IsAdminUser & RequireAuthentication(amr="hwk")
        assert ask(permission, amr=["hwk"]).status_code == 403
        assert ask(permission, user=User(is_staff=True)).status_code == 401
        assert ask(permission, user=User(is_staff=True), amr=["hwk"]).status_code == 200

    def test_it_combines_for_objects_and_with_itself(self, ask: Ask, alice: User) -> None:
        class Thing:
            owner = alice

        permission = RequireAuthentication(amr="hwk") | RequireAuthentication(amr="swk") | IsOwner
        assert ask(permission, obj=Thing()).status_code == 200
        Thing.owner = User(pk=alice.pk + 1, username="bob")
        assert ask(permission, obj=Thing()).status_code == 401
        assert ask(permission, obj=Thing(), amr=["swk"]).status_code == 200

    def test_nobody_signed_in_is_refused_as_ever(self, ask: Ask) -> None:
        from django.contrib.auth.models import AnonymousUser

        anonymous: Any = AnonymousUser()
        assert ask(RequireAuthentication(amr="hwk"), user=anonymous).status_code in (401, 403)
