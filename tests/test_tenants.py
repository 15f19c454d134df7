"""A callable ``ISSUER``: each tenant is an issuer of its own. Here all share one table of sessions.

``tests/tenants`` has a schema, or a database, for each.
"""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.http import Http404, HttpRequest
from django.test import RequestFactory, override_settings
from rest_framework.response import Response
from rest_framework.test import APIClient, APIRequestFactory
from rest_framework.views import APIView

from drf_ratchet import signals
from drf_ratchet.authentication import JWTAuthentication
from drf_ratchet.exceptions import TokenNotValid
from drf_ratchet.issuer import issuer_verifier
from drf_ratchet.keyring import keyring
from drf_ratchet.models import Session
from drf_ratchet.sessions import open_session, refresh_session
from drf_ratchet.tenants import issuer_for, use_issuer
from drf_ratchet_compat.drf_jwt.reading import read_token
from ratchet_tokens import codec
from ratchet_tokens.claims import Kind
from ratchet_tokens.verified_cache import checked_tokens
from tests.fixtures import PASSWORD, Tokens, payload
from tests.services.conftest import FORM, SECRET, basic
from tests.services.conftest import NAME as SERVICE
from token_tests import forge
from verifier_tests.issuer import Issuer

#: What a browser says of a page of the site itself.
OWN_PAGE = {"HTTP_SEC_FETCH_SITE": "same-origin"}
A, B = {"HTTP_X_TENANT": "a"}, {"HTTP_X_TENANT": "b"}


def by_header(request: HttpRequest | None) -> str:
    """Return the tenant that a request names; "public" outside of one."""
    return "public" if request is None else request.META.get("HTTP_X_TENANT", "public")


@pytest.fixture(autouse=True)
def _tenants(settings: Any) -> None:
    settings.DRF_RATCHET = {**settings.DRF_RATCHET, "ISSUER": by_header}


@pytest.fixture
def at_a(api: APIClient, alice: User) -> Tokens:
    """Alice's tokens of tenant a."""
    return Tokens(**sign_in(api, **A))


def sign_in(api: APIClient, path: str = "/api/token/", **headers: Any) -> Any:
    answer = api.post(path, {"username": "alice", "password": PASSWORD}, **headers)
    assert answer.status_code == 200, answer.content
    return answer.json()


def reason(answer: Response) -> str:
    assert answer.status_code == 401, answer.content
    return str(answer.json()["reason"])


def assert_untouched(session: Session) -> None:
    """Refusing another tenant's token ends nothing, increments nothing and is no reuse."""
    row = Session.objects.get(pk=session.pk)
    assert (row.ended_at, row.end_reason, row.generation) == (None, "", session.generation)


class TestIssuerFor:
    def test_outside_of_a_request_it_can_be_named(self) -> None:
        assert issuer_for() == "public"
        with use_issuer("b"):
            assert issuer_for() == "b"
            with use_issuer("c"):
                assert issuer_for() == "c"
            assert issuer_for() == "b"
        assert issuer_for() == "public"

    def test_name_is_local_to_one_thread(self) -> None:
        found = []
        with use_issuer("b"):
            thread = threading.Thread(target=lambda: found.append(issuer_for()))
            thread.start()
            thread.join()
        assert found == ["public"]

    def test_callable_receives_djangos_request(self, settings: Any) -> None:
        seen: list[Any] = []
        settings.DRF_RATCHET = {"ISSUER": lambda request: seen.append(request) or "a"}
        request = RequestFactory().get("/")
        issuer_for(APIView().initialize_request(request))
        assert seen == [request]

    @pytest.mark.parametrize("returned", ["", None, 7])
    def test_what_is_no_text_is_refused_with_the_setting_named(
        self, settings: Any, returned: Any
    ) -> None:
        settings.DRF_RATCHET = {"ISSUER": lambda request: returned}
        with pytest.raises(ImproperlyConfigured, match="ISSUER"):
            issuer_for()

    @pytest.mark.parametrize("name", ["", None, 7])
    def test_nothing_but_a_name_can_be_named(self, name: Any) -> None:
        with pytest.raises(ValueError, match="non-empty string"), use_issuer(name):
            pass

    @pytest.mark.parametrize("path", ["/api/token/", "/api/protected/"])
    def test_unknown_tenant_may_be_a_404(
        self, api: APIClient, tokens: Tokens, settings: Any, path: str
    ) -> None:
        def unknown(request: HttpRequest | None) -> str:
            raise Http404("no such tenant")

        settings.DRF_RATCHET = {"ISSUER": unknown}
        body = {"username": "alice", "password": PASSWORD}
        ask = api.post if path == "/api/token/" else api.get
        assert ask(path, body, **tokens.bearer).status_code == 404


class TestLazyUser:
    @pytest.mark.parametrize("freshness", ["bounded", "expiry"])
    def test_is_looked_up_while_another_issuer_is_named(
        self, api: APIClient, at_a: Tokens, settings: Any, freshness: str
    ) -> None:
        """``use_issuer`` chooses no schema: the key is that of the same user."""
        settings.DRF_RATCHET = {**settings.DRF_RATCHET, "FRESHNESS": freshness}
        request = APIRequestFactory().get("/", **A, **at_a.bearer)
        user, _ = JWTAuthentication().authenticate(APIView().initialize_request(request)) or ("", 0)
        with use_issuer("b"):
            assert user.get_username() == "alice"

    @pytest.mark.parametrize("freshness", ["bounded", "expiry"])
    def test_lazy_user_does_not_call_the_issuer(
        self, api: APIClient, tokens: Tokens, settings: Any, freshness: str
    ) -> None:
        own = {"ISSUER": lambda request: request.META["HTTP_X_TENANT"], "FRESHNESS": freshness}
        settings.DRF_RATCHET = {**settings.DRF_RATCHET, **own}
        at_a = Tokens(**sign_in(api, **A))
        assert api.get("/api/protected/", **A, **at_a.bearer).status_code == 200


class TestAccessToken:
    def test_names_its_tenant(self, at_a: Tokens) -> None:
        assert payload(at_a.access)["iss"] == "a"

    @pytest.mark.parametrize("freshness", ["immediate", "bounded", "expiry"])
    def test_is_refused_at_another_tenant(
        self, api: APIClient, at_a: Tokens, settings: Any, freshness: str
    ) -> None:
        settings.DRF_RATCHET = {**settings.DRF_RATCHET, "FRESHNESS": freshness}
        for _ in range(2):  # the second time it is a token that was verified before
            assert api.get("/api/protected/", **A, **at_a.bearer).status_code == 200
            refused = api.get("/api/protected/", **B, **at_a.bearer)
            assert reason(refused) == "wrong_issuer"
        assert checked_tokens.get(at_a.access) is not None

    def test_of_before_the_setting_is_refused(
        self, api: APIClient, alice: User, settings: Any
    ) -> None:
        with override_settings(DRF_RATCHET={}):
            old = open_session(alice).access
        answer = api.get("/api/protected/", HTTP_AUTHORIZATION=f"Bearer {old}", **A)
        assert reason(answer) == "wrong_issuer"

    @pytest.mark.parametrize("path", ["sessions/", "logout/all/", "step-up/"])
    def test_does_nothing_at_another_tenants_endpoints(
        self, api: APIClient, at_a: Tokens, path: str
    ) -> None:
        ask = api.get if path == "sessions/" else api.post
        body = {"refresh": at_a.refresh, "password": PASSWORD} if path == "step-up/" else {}
        assert reason(ask(f"/api/{path}", body, **B, **at_a.bearer)) == "wrong_issuer"
        assert_untouched(at_a.session)


class TestRefreshToken:
    def test_names_its_tenant(self, api: APIClient, at_a: Tokens, refresh: Any) -> None:
        assert payload(at_a.refresh)["iss"] == "a"
        assert payload(refresh(at_a.refresh, **A).json()["refresh"])["iss"] == "a"

    def test_refresh_token_of_a_single_issuer_has_no_iss(self, alice: User, settings: Any) -> None:
        settings.DRF_RATCHET = {"ISSUER": "https://shop.example"}
        grant = open_session(alice)
        assert payload(grant.access)["iss"] == "https://shop.example"
        assert "iss" not in payload(grant.refresh or "")

    def test_is_refused_at_another_tenant(self, at_a: Tokens, refresh: Any) -> None:
        assert reason(refresh(at_a.refresh, **B)) == "wrong_issuer"
        assert_untouched(at_a.session)
        assert refresh(at_a.refresh, **A).status_code == 200

    def test_that_was_used_is_no_reuse_at_another_tenant(
        self, at_a: Tokens, refresh: Any, settings: Any
    ) -> None:
        settings.DRF_RATCHET = {**settings.DRF_RATCHET, "ROTATION_GRACE": timedelta(0)}
        heard: list[str | None] = []

        def note(**kwargs: Any) -> None:
            heard.append(issuer_for(kwargs["request"]))

        signals.reuse_detected.connect(note)
        refresh(at_a.refresh, **A)
        session = at_a.session
        assert reason(refresh(at_a.refresh, **B)) == "wrong_issuer"
        assert_untouched(session)
        assert reason(refresh(at_a.refresh, **A)) == "reused"
        signals.reuse_detected.disconnect(note)
        assert heard == ["a"]

    def test_of_before_the_setting_is_refreshed(
        self, alice: User, refresh: Any, settings: Any
    ) -> None:
        with override_settings(DRF_RATCHET={}):
            old = open_session(alice).refresh
        answer = refresh(old, **A)
        assert answer.status_code == 200
        assert payload(answer.json()["refresh"])["iss"] == "a"

    def test_repeated_is_the_same(self, at_a: Tokens, refresh: Any) -> None:
        first, again = (refresh(at_a.refresh, "a-key", **A).json() for _ in range(2))
        assert first["refresh"] == again["refresh"]

    def test_outlives_the_setting(self, at_a: Tokens, refresh: Any, settings: Any) -> None:
        settings.DRF_RATCHET = {}
        assert refresh(at_a.refresh).status_code == 200

    def test_is_refused_where_one_tenant_is_left(
        self, at_a: Tokens, refresh: Any, settings: Any
    ) -> None:
        settings.DRF_RATCHET = {"ISSUER": "b"}
        assert reason(refresh(at_a.refresh)) == "wrong_issuer"

    def test_can_be_refreshed_by_code_that_names_the_tenant(self, alice: User) -> None:
        with use_issuer("a"):
            grant = open_session(alice)
            assert payload(grant.access)["iss"] == payload(grant.refresh or "")["iss"] == "a"
            assert refresh_session(grant.refresh or "").refresh is not None


def test_client_of_a_test_is_of_the_tenant_that_is_named(alice: User, api_client_for: Any) -> None:
    with use_issuer("a"):
        client = api_client_for(alice)
        assert client.get("/api/protected/").status_code == 200
        client.refresh()
        assert client.get("/api/protected/").status_code == 200
    assert reason(client.get("/api/protected/")) == "wrong_issuer"


class TestOtherEndpoints:
    @pytest.mark.parametrize("which", ["access", "refresh"])
    def test_verify_refuses_it(self, api: APIClient, at_a: Tokens, which: str) -> None:
        body = {"token": getattr(at_a, which)}
        assert api.post("/api/token/verify/", body, **A).status_code == 200
        assert reason(api.post("/api/token/verify/", body, **B)) == "wrong_issuer"

    def test_logout_ends_nothing(self, api: APIClient, at_a: Tokens) -> None:
        answer = api.post("/api/logout/", {"refresh": at_a.refresh}, **B)
        assert (answer.status_code, answer.json()["reason"]) == (400, "wrong_issuer")
        assert api.post("/api/logout/", {}, **B, **at_a.bearer).status_code == 401
        assert_untouched(at_a.session)
        assert api.post("/api/logout/", {"refresh": at_a.refresh}, **A).status_code == 200

    def test_step_up_refuses_the_refresh_token(self, api: APIClient, at_a: Tokens) -> None:
        at_b = Tokens(**sign_in(api, **B))
        body = {"refresh": at_a.refresh, "password": PASSWORD}
        assert reason(api.post("/api/step-up/", body, **B, **at_b.bearer)) == "wrong_issuer"
        assert_untouched(at_a.session)

    @pytest.mark.parametrize("which", ["access", "refresh"])
    def test_services_learn_nothing_and_revoke_nothing(
        self, api: APIClient, at_a: Tokens, settings: Any, which: str
    ) -> None:
        settings.ROOT_URLCONF = "tests.services.urls"
        settings.DRF_RATCHET = {**settings.DRF_RATCHET, "SERVICE_SECRETS": {SERVICE: SECRET}}
        body = f"token={getattr(at_a, which)}"

        def ask(endpoint: str, **headers: Any) -> Response:
            return api.generic(
                "POST", f"/api/{endpoint}/", body, content_type=FORM, **basic(), **headers
            )

        assert ask("introspect", **B).json() == {"active": False}
        assert ask("revoke", **B).status_code == 200
        assert_untouched(at_a.session)
        assert ask("revoke", **A).status_code == 200
        assert at_a.session.end_reason == "revoked"

    def test_list_of_ended_sessions_names_the_tenant(
        self, api: APIClient, db: None, settings: Any
    ) -> None:
        settings.ROOT_URLCONF = "tests.services.urls"
        key = forge.key_for("ES256")
        jwk = {**key.jose.as_dict(private=True), "alg": "ES256", "kid": key.kid}
        secrets = {SERVICE: SECRET}
        settings.DRF_RATCHET = {"ISSUER": by_header, "KEYS": jwk, "SERVICE_SECRETS": secrets}
        for tenant in (A, B, A):
            answer = api.get("/api/ended-sessions/", **basic(), **tenant)
            assert answer.status_code == 200, answer.content
            assert payload(answer.content.decode())["iss"] == tenant["HTTP_X_TENANT"]


class TestBrowser:
    @pytest.fixture(autouse=True)
    def _cookies(self, settings: Any) -> None:
        own = {"ACCESS_TOKEN_COOKIE": True, "COOKIE_SECURE": False}
        settings.DRF_RATCHET = {**settings.DRF_RATCHET, **own}

    @pytest.fixture
    def cookie(self, api: APIClient, alice: User) -> str:
        """The refresh token that the browser has."""
        sign_in(api, "/api/browser/login/", **A, **OWN_PAGE)
        return str(api.cookies["ratchet-refresh-token"].value)

    def test_cookies_name_the_tenant(self, api: APIClient, cookie: str) -> None:
        assert payload(cookie)["iss"] == "a"
        assert payload(api.cookies["ratchet-access-token"].value)["iss"] == "a"

    def test_another_tenant_refreshes_nothing(self, api: APIClient, cookie: str) -> None:
        session = Session.objects.get()
        assert reason(api.post("/api/browser/refresh/", **B, **OWN_PAGE)) == "wrong_issuer"
        assert api.get("/api/browser/session/", **B, **OWN_PAGE).json()["user"] is None
        assert api.post("/api/browser/logout/", **B, **OWN_PAGE).status_code == 200
        assert_untouched(session)

    def test_sign_in_at_another_tenant_ends_nothing(self, api: APIClient, cookie: str) -> None:
        session = Session.objects.get()
        sign_in(api, "/api/browser/login/", **B, **OWN_PAGE)
        assert_untouched(session)

    def test_pages_of_another_tenant_are_not_signed_in(self, api: APIClient, cookie: str) -> None:
        page = {"HTTP_ACCEPT": "text/html"}
        session = Session.objects.get()
        assert api.get("/api/protected/", **A, **page).status_code == 200
        assert api.get("/api/protected/", **B, **page).status_code == 401
        del api.cookies["ratchet-access-token"]
        assert api.get("/api/protected/", **B, **page).status_code == 401
        assert_untouched(session)
        # The middleware refreshes it on the way.
        assert api.get("/api/protected/", **A, **page).status_code == 200
        assert payload(api.cookies["ratchet-access-token"].value)["iss"] == "a"


class TestDRFJWT:
    """``compat.drf_jwt``, whose one token is read in serializers as well."""

    LOGIN, REFRESH, VERIFY = (f"/api-token-{name}/" for name in ("auth", "refresh", "verify"))

    def test_token_is_its_tenants(self, api: APIClient, alice: User, settings: Any) -> None:
        settings.JWT_AUTH = {**getattr(settings, "JWT_AUTH", {}), "JWT_ALLOW_REFRESH": True}
        answer = api.post(self.LOGIN, {"username": "alice", "password": PASSWORD}, **A)
        token = answer.json()["token"]
        assert payload(token)["iss"] == "a"
        for path in (self.VERIFY, self.REFRESH):
            assert api.post(path, {"token": token}, **A).status_code in (200, 201)
            assert api.post(path, {"token": token}, **B).status_code == 400

    def test_old_packages_token_of_no_tenant_is_refused(self, alice: User, settings: Any) -> None:
        """It names a user, whom another tenant may have as well."""
        import jwt

        from drf_ratchet_compat.drf_jwt.exceptions import InvalidTokenError

        key = "a key of the old package, long enough to be one"
        settings.JWT_AUTH = {"JWT_SECRET_KEY": key}
        claims = {"username": "alice", "iat": 2e9, "exp": 9e9}
        request = APIRequestFactory().get("/", **A)

        def read(**own: Any) -> Any:
            return read_token(jwt.encode({**claims, **own}, key, "HS256"), request=request)

        assert read(iss="a").user == alice
        for other in ({}, {"iss": "b"}):
            with pytest.raises(InvalidTokenError):
                read(**other)
        with override_settings(DRF_RATCHET={}):
            assert read().user == alice


@pytest.mark.starts
class TestServiceWithoutUsers:
    """``USER = "claims"``: the tokens are another server's, of several tenants."""

    @pytest.fixture
    def issuer(self, settings: Any) -> Any:
        made = Issuer()
        verifier = {"jwks_url": f"{made.url}/.well-known/jwks.json"}
        settings.DRF_RATCHET = {"USER": "claims", "ISSUER": by_header, "VERIFIER": verifier}
        yield made
        made.stop()

    def test_token_is_its_tenants(self, issuer: Issuer) -> None:
        token = issuer.token(iss="a")

        def authenticate(**headers: Any) -> Any:
            request = APIRequestFactory().get("/", HTTP_AUTHORIZATION=f"Bearer {token}", **headers)
            return JWTAuthentication().authenticate(APIView().initialize_request(request))

        assert authenticate(**A)[0].pk == "1"
        with pytest.raises(TokenNotValid) as refused:
            authenticate(**B)
        assert refused.value.reason == "wrong_issuer"
        assert authenticate(**A)[0].pk == "1"

    @pytest.mark.parametrize(
        "own", [{"issuer": "https://a.example"}, {"feed_url": "https://a.example/ended/"}]
    )
    def test_verifier_of_a_single_tenant_is_refused(
        self, settings: Any, own: dict[str, Any]
    ) -> None:
        verifier = {"jwks_url": "https://a.example/jwks", "auth": ("a", "b"), **own}
        settings.DRF_RATCHET = {"USER": "claims", "ISSUER": by_header, "VERIFIER": verifier}
        with pytest.raises(ImproperlyConfigured, match="VERIFIER"):
            issuer_verifier()


def test_refresh_token_signed_by_us_with_another_iss_is_refused(at_a: Tokens, refresh: Any) -> None:
    """Only the tenant's exact name counts: no list, no number, no other case."""
    claims = payload(at_a.refresh)
    for iss in ("A", "", ["a"], 1, None, True):
        token = codec.sign({**claims, "iss": iss}, keyring().refresh.signing, Kind.REFRESH)
        assert reason(refresh(token, **A)) == "wrong_issuer"
