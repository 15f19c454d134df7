"""``USER = "claims"``: a service without users, in Django."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings
from rest_framework.permissions import IsAdminUser, IsAuthenticated
from rest_framework.test import APIClient, APIRequestFactory
from rest_framework.views import APIView

from drf_ratchet.authentication import JWTAuthentication
from drf_ratchet.exceptions import Busy, TokenNotValid
from drf_ratchet.issuer import issuer_verifier
from drf_ratchet.keyring import keyring
from drf_ratchet.token_user import TokenUser
from ratchet_tokens import codec
from ratchet_tokens import verifier as verifier_module
from ratchet_tokens.claims import Claims, Kind
from ratchet_tokens.verifier import Verifier
from token_tests import forge
from verifier_tests.issuer import FEED, SERVICE, Issuer

pytestmark = pytest.mark.any_database

ROOT = Path(__file__).resolve().parents[1]


def user(**claims: Any) -> TokenUser:
    return TokenUser(Claims(forge.claims(**claims)))


def authenticate(token: str) -> Any:
    request = APIRequestFactory().get("/", HTTP_AUTHORIZATION=f"Bearer {token}")
    return JWTAuthentication().authenticate(APIView().initialize_request(request))


class TestTokenUser:
    def test_who_it_is(self) -> None:
        alice = user(sub="7", username="alice")

        assert (alice.id, alice.pk, alice.username, alice.get_username()) == (
            *("7", "7"),
            *("alice", "alice"),
        )
        assert (alice.is_authenticated, alice.is_active, alice.is_anonymous) == (True, True, False)
        assert (str(alice), repr(alice)) == ("alice", "<TokenUser 7>")
        assert alice.claims["sub"] == "7"

    @pytest.mark.parametrize("name", [None, 7, ["alice"], {"a": 1}, True])
    def test_invalid_name_is_empty(self, name: object) -> None:
        assert (user(username=name).username, str(user(username=name))) == ("", "1")

    def test_equal_by_id(self) -> None:
        assert user(sub="1", username="a") == user(sub="1")
        assert len({user(sub="1"), user(sub="1"), user(sub="2")}) == 2
        assert user(sub="1") != "1"

    def test_it_has_no_permissions(self) -> None:
        nobody = user(is_staff=True, is_superuser=True)

        assert (nobody.is_staff, nobody.is_superuser) == (False, False)
        assert not nobody.has_perm("blog.add_post")
        assert not nobody.has_perms(["blog.add_post"])
        assert not nobody.has_module_perms("blog")
        assert nobody.has_perms([])
        assert nobody.get_all_permissions() == set()

    @pytest.mark.parametrize("value", ["true", 1, "1", 1.0, [0], {"a": 1}, None, False, "false"])
    @override_settings(DRF_RATCHET={"STAFF_CLAIM": "staff", "SUPERUSER_CLAIM": "root"})
    def test_only_true_is_true(self, value: object) -> None:
        made = user(staff=value, root=value)
        assert (made.is_staff, made.is_superuser) == (False, False)

    @override_settings(DRF_RATCHET={"STAFF_CLAIM": "staff", "SUPERUSER_CLAIM": "root"})
    def test_staff(self) -> None:
        assert (user(staff=True).is_staff, user(staff=True).is_superuser) == (True, False)
        assert (user(root=True).is_staff, user(root=True).is_superuser) == (False, True)

    @pytest.mark.parametrize("name", ["save", "delete"])
    def test_it_is_in_no_table(self, name: str) -> None:
        with pytest.raises(NotImplementedError):
            getattr(user(), name)()


class TestWithKeys:
    """Without a ``VERIFIER``: our own keys, and sessions on trust. No test here has a database."""

    @pytest.fixture(autouse=True)
    def _settings(self) -> Iterator[None]:
        with override_settings(DRF_RATCHET={"USER": "claims", "STAFF_CLAIM": "staff"}):
            yield

    def token(self, **changes: Any) -> str:
        return codec.sign(forge.claims(**changes), keyring().access.signing, Kind.ACCESS)

    def test_signed_in(self) -> None:
        who, claims = authenticate(self.token(sub="42", username="alice"))

        assert isinstance(who, TokenUser)
        assert (who.id, claims["username"]) == ("42", "alice")

    def test_refused(self) -> None:
        with pytest.raises(TokenNotValid):
            authenticate(self.token(exp=1))

    def test_in_a_view(self) -> None:
        answer = APIClient().get(
            "/api/protected/", HTTP_AUTHORIZATION=f"Bearer {self.token(sub='not a number')}"
        )
        assert answer.status_code == 200

    def test_permissions(self) -> None:
        request: Any = APIView().initialize_request(APIRequestFactory().get("/"))
        request.user = user()
        assert IsAuthenticated().has_permission(request, APIView())
        assert not IsAdminUser().has_permission(request, APIView())
        request.user = user(staff=True)
        assert IsAdminUser().has_permission(request, APIView())

    def test_only_public_keys(self) -> None:
        key = forge.key_for("ES256")
        public = forge.public_half(key).public_jwk()
        with override_settings(DRF_RATCHET={"USER": "claims", "KEYS": public}):
            who, _ = authenticate(codec.sign(forge.claims(), key, Kind.ACCESS))
            assert who.id == "1"
            with pytest.raises(TokenNotValid):
                authenticate(codec.sign(forge.claims(), forge.key_for("RS256"), Kind.ACCESS))


@pytest.mark.starts
class TestWithAVerifier:
    @pytest.fixture
    def issuer(self) -> Iterator[Issuer]:
        made = Issuer()
        verifier = {"issuer": made.url, "feed_url": made.feed_url, "auth": SERVICE}
        ours = {"USER": "claims", "VERIFIER": verifier, "AUDIENCE": "orders"}
        with override_settings(DRF_RATCHET=ours):
            yield made
        made.stop()

    def test_signed_in(self, issuer: Issuer) -> None:
        who, _ = authenticate(issuer.token(aud="orders"))

        assert who.id == "1"
        assert issuer.requests[FEED] >= 1
        assert issuer_verifier() is issuer_verifier()

    def test_threads_that_ask_at_once_have_one(
        self, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Each more would have a thread of its own, for as long as the process lives."""
        made: list[Verifier] = []
        others_come = threading.Event()

        def make(*args: Any, **options: Any) -> Verifier:
            others_come.wait(0.1)  # never set: time for the others to come here
            made.append(Verifier(*args, **options))
            return made[-1]

        monkeypatch.setattr(verifier_module, "Verifier", make)
        barrier = threading.Barrier(8)

        def ask(_: int) -> Verifier | None:
            barrier.wait()
            return issuer_verifier()

        with ThreadPoolExecutor(8) as threads:
            had = set(threads.map(ask, range(8)))

        assert had == set(made)
        assert len(made) == 1

    def test_an_ended_session(self, issuer: Issuer) -> None:
        issuer.ended = [forge.SESSION]
        with pytest.raises(TokenNotValid) as refused:
            authenticate(issuer.token(aud="orders"))
        assert refused.value.reason == "session_ended"

    def test_token_for_another_audience_is_refused(self, issuer: Issuer) -> None:
        with pytest.raises(TokenNotValid) as refused:
            authenticate(issuer.token(aud="shop"))
        assert refused.value.reason == "wrong_audience"

    def test_the_issuer_is_down(self, issuer: Issuer) -> None:
        token = issuer.token(aud="orders")
        issuer.stop()
        with pytest.raises(Busy) as busy:
            authenticate(token)
        assert busy.value.detail["code"] == "busy"

    @pytest.mark.parametrize(
        "bad", [{"isuer": "x"}, {"issuer": "http://blog.example"}, {"leeway": -1}]
    )
    def test_what_no_verifier_takes(self, bad: dict[str, Any]) -> None:
        with (
            override_settings(DRF_RATCHET={"USER": "claims", "VERIFIER": bad}),
            pytest.raises(ImproperlyConfigured, match="VERIFIER"),
        ):
            issuer_verifier()

    def test_own_issuer_needs_no_verifier(self) -> None:
        ours = {"VERIFIER": {"issuer": "https://blog.example"}}
        with override_settings(DRF_RATCHET=ours):
            assert issuer_verifier() is None


PROGRAM = """
import sys
import django
from django.conf import settings
from django.urls import path

apps = sys.argv[2].split()
settings.configure(
    SECRET_KEY="a key of the service, which signs nothing, 0123456789abc",
    INSTALLED_APPS=apps,
    ROOT_URLCONF="__main__",
    ALLOWED_HOSTS=["*"],
    # No DATABASES: a query of any kind is an error.
    DRF_RATCHET={"USER": "claims", "KEYS": sys.argv[1]},
    REST_FRAMEWORK={
        "UNAUTHENTICATED_USER": None,
        "DEFAULT_AUTHENTICATION_CLASSES": ["drf_ratchet.authentication.JWTAuthentication"],
        "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    },
)
django.setup()

from rest_framework.response import Response
from rest_framework.views import APIView

class Who(APIView):
    def get(self, request):
        return Response({"id": request.user.id, "name": request.user.username})

urlpatterns = [path("who/", Who.as_view())]

from django.test import Client

for token in (sys.stdin.read().split()):
    answer = Client().get("/who/", headers={"Authorization": "Bearer " + token})
    print(answer.status_code, answer.content.decode())
print(Client().get("/who/").status_code)
"""


@pytest.mark.starts
@pytest.mark.parametrize(
    "apps",
    [
        "rest_framework",
        "rest_framework drf_ratchet django.contrib.auth django.contrib.contenttypes",
    ],
)
def test_without_tables(tmp_path: Path, apps: str) -> None:
    """A project that has the package, and neither its tables nor a database."""
    key = forge.key_for("ES256")
    (tmp_path / "key.json").write_text(json.dumps(forge.public_half(key).public_jwk()))
    good = codec.sign(forge.claims(sub="42", username="alice"), key, Kind.ACCESS)
    expired = codec.sign(forge.claims(exp=1), key, Kind.ACCESS)
    environment = {name: v for name, v in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}

    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path), apps],
        input=f"{good} {expired}",
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert done.returncode == 0, done.stderr
    first, second, third = done.stdout.splitlines()
    assert first == '200 {"id":"42","name":"alice"}'
    assert second.startswith("401 ")
    assert '"reason":"expired"' in second
    assert third == "401"
