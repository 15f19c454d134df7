"""Bodies that are made to cost much: each is refused for next to nothing, whoever sends it."""

import json
import re
import time
import tracemalloc
from base64 import b64encode
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from django.contrib.auth.models import User
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.test import override_settings
from django.urls import include, path
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIClient
from rest_framework.views import APIView

from drf_ratchet.bounds import MAX_BODY_SIZE, MAX_CREDENTIAL_LENGTH
from drf_ratchet.parsers import FormParser, JSONParser
from drf_ratchet.parsers import MultiPartParser as OurMultiPartParser
from drf_ratchet.throttling import SignInThrottle
from drf_ratchet.views import TokenObtainPairView
from drf_ratchet_compat.drf_jwt.views import (
    obtain_jwt_token,
    refresh_jwt_token,
    verify_jwt_token,
)
from ratchet_tokens.key_directory import new_key
from tests.fixtures import PASSWORD, Tokens
from tests.races.server import Server, copy_of, serving

pytestmark = [pytest.mark.any_database, pytest.mark.django_db]

#: NFKD makes 18 letters of this one.
LONG = "\ufdfa"
MEGABYTES = 800_000 * LONG
CPU_SECONDS = 0.25
MEMORY = 8_000_000
JSON, FORM = "application/json", "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=x"


class OwnView(APIView):
    """A sign-in of a project's own, under our throttle, with DRF's parsers."""

    authentication_classes = ()
    permission_classes = ()
    parser_classes = (MultiPartParser,)
    throttle_classes = (SignInThrottle,)

    def post(self, request: Request) -> Response:
        return Response(status=403)


class NotesView(APIView):
    """A view of a project's own, with our parsers."""

    authentication_classes = ()
    permission_classes = ()
    parser_classes = (JSONParser, FormParser, OurMultiPartParser)

    def post(self, request: Request) -> Response:
        return Response(len(request.data))


class PatientView(TokenObtainPairView):
    max_body_size = 1_000_000


urlpatterns = [
    path("api/", include("drf_ratchet.urls")),
    path("api/", include("drf_ratchet.services.urls")),
    path("api/browser/", include("drf_ratchet.browser.urls")),
    path("api-auth/", include("drf_ratchet.browser.browsable_urls")),
    path("jwt/", obtain_jwt_token),
    path("jwt/refresh/", refresh_jwt_token),
    path("jwt/verify/", verify_jwt_token),
    path("notes/", NotesView.as_view()),
    path("own/", OwnView.as_view()),
    path("patient/", PatientView.as_view()),
    path("", include("drf_ratchet.well_known")),
]

#: What each endpoint takes; those for services and pages take forms, those for browsers JSON.
FIELDS: dict[str, tuple[str, ...]] = {
    "/api/token/": ("username", "password"),
    "/api/token/refresh/": ("refresh",),
    "/api/token/verify/": ("token",),
    "/api/logout/": ("refresh",),
    "/api/logout/all/": (),
    "/api/step-up/": ("refresh", "password"),
    "/api/browser/login/": ("username", "password"),
    "/api/browser/refresh/": (),
    "/api/browser/logout/": (),
    "/api/browser/step-up/": ("password",),
    "/api/introspect/": ("token", "token_type_hint"),
    "/api/revoke/": ("token", "token_type_hint"),
    "/api-auth/login/": ("username", "password", "next"),
    "/api-auth/logout/": ("next",),
    "/jwt/": ("username", "password"),
    "/jwt/refresh/": ("token",),
    "/jwt/verify/": ("token",),
}
EACH_ENDPOINT = pytest.mark.parametrize("url", FIELDS)


@pytest.fixture(autouse=True)
def _project(settings: Any) -> None:
    settings.ROOT_URLCONF = __name__
    settings.DRF_RATCHET = {**settings.DRF_RATCHET, "SERVICE_SECRETS": {"orders": "s" * 32}}


Post = Callable[..., Response]


@pytest.fixture
def post(tokens: Tokens) -> Post:
    """Send a body, signed in by all means at once."""
    api = APIClient()

    def post(url: str, body: bytes | str, kind: str, **headers: Any) -> Response:
        bearer = tokens.bearer["HTTP_AUTHORIZATION"]
        service = f"Basic {b64encode(b'orders:' + b's' * 32).decode()}"
        is_service = url in ("/api/introspect/", "/api/revoke/")
        headers = {
            "HTTP_AUTHORIZATION": service if is_service else bearer,
            "HTTP_SEC_FETCH_SITE": "same-origin",
            **headers,
        }
        answer: Response = api.generic("POST", url, body, content_type=kind, **headers)
        return answer

    return post


def cpu_of(send: Callable[[], Response]) -> tuple[float, int]:
    """The seconds of CPU that a request costs this process, and how it is answered.

    Asks up to three times: a garbage collection, or a busy machine, is not the request's.
    """
    least = float("inf")
    for _ in range(3):
        started = time.process_time()
        status = send().status_code
        least = min(least, time.process_time() - started)
        if least < CPU_SECONDS:
            break
    return least, status


def memory_of(send: Callable[[], Response]) -> tuple[int, int]:
    """The bytes that a request costs this process at its peak, and how it is answered."""
    tracemalloc.start()
    try:
        status = send().status_code
        return tracemalloc.get_traced_memory()[1], status
    finally:
        tracemalloc.stop()


def kinds_of(url: str) -> tuple[str, ...]:
    if "browser" in url:
        return (JSON,)
    return (FORM,) if "introspect" in url or "revoke" in url or "api-auth" in url else (JSON, FORM)


def bodies(fields: tuple[str, ...], kind: str) -> dict[str, bytes]:
    """Hostile values in every field, as one body each."""
    if kind == FORM:
        return {"megabytes": b"&".join(b"%s=" % f.encode() + MEGABYTES.encode() for f in fields)}
    values: dict[str, object] = {
        "megabytes": MEGABYTES,
        "a list": [LONG] * 200_000,
        "an object": {LONG * 9 + str(n): n for n in range(20_000)},
        "objects in objects": None,
    }
    made = {
        name: json.dumps(dict.fromkeys(fields, value), ensure_ascii=False).encode()
        for name, value in values.items()
    }
    made["objects in objects"] = b'{"username":' * 150_000 + b"1" + b"}" * 150_000
    made["many numbers"] = b"[" + b"1e300," * 300_000 + b"1]"
    return made


@EACH_ENDPOINT
def test_megabytes_cost_next_to_nothing(url: str, post: Post) -> None:
    post(url, b"", kinds_of(url)[0])  # what is only paid once
    for kind in kinds_of(url):
        for name, body in bodies(FIELDS[url] or ("username",), kind).items():
            seconds, status = cpu_of(partial(post, url, body, kind))
            assert 400 <= status < 500 or url == "/api/logout/all/", (name, status)
            assert seconds < CPU_SECONDS, (kind, name, status)
            size, _ = memory_of(partial(post, url, body, kind))
            assert size < MEMORY, (kind, name, status)


@EACH_ENDPOINT
def test_the_largest_body_that_is_read_costs_little(url: str, post: Post) -> None:
    for field in FIELDS[url]:
        for value in (LONG * (MAX_BODY_SIZE // 3 - 100), LONG * MAX_CREDENTIAL_LENGTH):
            for kind in kinds_of(url):
                body = (
                    json.dumps({field: value}, ensure_ascii=False).encode()
                    if kind == JSON
                    else field.encode() + b"=" + value.encode()
                )
                seconds, status = cpu_of(partial(post, url, body, kind))
                assert status < 500
                assert seconds < CPU_SECONDS, (field, kind, status)


#: Each letter is put in front of all others.
PUNYCODE = b"a" * 30_000 + b"-" + b"a" * 100_000


def forms(url: str, field: str, value: bytes, charset: str) -> dict[str, bytes]:
    """A field in each form that an endpoint takes, by the content type."""
    part = b'--x\r\nContent-Disposition: form-data; name="%s"\r\n\r\n' % field.encode()
    made = {
        f"{JSON}; charset={charset}": value,
        f"{FORM}; charset={charset}": field.encode() + b"=" + value,
        f"{MULTIPART}; charset={charset}": part + value + b"\r\n--x--\r\n",
    }
    return {kind: body for kind, body in made.items() if "browser" not in url or JSON in kind}


@pytest.mark.parametrize("charset", ["punycode", "idna", "unicode-escape", "Raw_Unicode_Escape"])
@pytest.mark.parametrize("url", [*FIELDS, "/notes/"])
def test_a_charset_that_is_slow_is_not_decoded(url: str, charset: str, post: Post) -> None:
    field = next(iter(FIELDS.get(url, ())), "username")
    post(url, b"", JSON)  # what is only paid once
    for kind, body in forms(url, field, PUNYCODE, charset).items():
        seconds, status = cpu_of(partial(post, url, body, kind))
        assert 400 <= status < 500 or url == "/api/logout/all/", (kind, status)
        assert seconds < CPU_SECONDS, (kind, status)


@pytest.mark.parametrize("charset", ["iso-8859-1", "windows-1252", "utf-8-sig", "shift_jis"])
@pytest.mark.parametrize("url", ["/api/token/", "/notes/"])
def test_charsets_of_text_are_decoded(url: str, charset: str, post: Post) -> None:
    fields = {"username": "alice", "password": PASSWORD}
    bodies = {JSON: json.dumps(fields), FORM: urlencode(fields)}
    for kind, body in bodies.items():
        assert post(url, body, f"{kind}; charset={charset}").status_code == 200


@pytest.mark.parametrize("url", ["/api/token/", "/api/browser/login/", "/jwt/", "/own/"])
def test_exhausted_network_gets_429_without_parsing(url: str, post: Post, settings: Any) -> None:
    rates = {"DEFAULT_THROTTLE_RATES": {"sign_in_address": "2/hour"}}
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, **rates}
    kind = MULTIPART if url == "/own/" else JSON
    field = b'--x\r\nContent-Disposition: form-data; name="username"\r\n\r\n'
    body = (
        field + MEGABYTES.encode() + b"\r\n--x--\r\n"
        if url == "/own/"
        else json.dumps({"username": MEGABYTES, "password": "x"}, ensure_ascii=False).encode()
    )
    statuses = [post(url, body, kind).status_code for _ in range(2)]
    assert all(400 <= status < 500 and status != 429 for status in statuses)
    seconds, status = cpu_of(partial(post, url, body, kind))
    assert status == 429
    assert seconds < CPU_SECONDS
    size, status = memory_of(partial(post, url, body, kind))
    assert status == 429
    assert size < MEMORY


class Watching(TemporaryFileUploadHandler):
    """Writes files to the disk, and says so."""

    files: list[str] = []

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self.files.append(self.file.temporary_file_path())


def parts(size: int, name: str = "username") -> bytes:
    head = f'--x\r\nContent-Disposition: form-data; name="{name}"; filename="f"\r\n\r\n'
    return head.encode() + b"y" * size + b"\r\n--x--\r\n"


@EACH_ENDPOINT
@pytest.mark.parametrize("size", [0, 1, 50_000, 5_000_000])
def test_no_file_reaches_the_disk(url: str, size: int, post: Post, settings: Any) -> None:
    settings.FILE_UPLOAD_HANDLERS = [f"{__name__}.Watching"]
    Watching.files = []
    for name in (FIELDS[url] or ("username",))[0], "another", "x" * 1000:
        answer = post(url, parts(size, name), MULTIPART)
        # "logout/all/" looks at no body.
        assert answer.status_code in (400, 413, 415) or url == "/api/logout/all/"
        assert len(answer.content) < 2000 or url.startswith("/api-auth/")
    assert Watching.files == []


def test_a_file_beside_right_credentials_is_refused(post: Post, alice: User) -> None:
    fields = "".join(
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in {"username": "alice", "password": PASSWORD}.items()
    )
    assert post("/api/token/", fields.encode() + b"--x--\r\n", MULTIPART).status_code == 200
    refused = post("/api/token/", fields.encode() + parts(3, "avatar"), MULTIPART)
    assert refused.status_code == 400
    assert refused.json().keys() == {"avatar"}


def test_a_body_without_a_declared_length_is_empty(post: Post) -> None:
    for length in ("", "x", "-1"):
        answer = post(
            "/api/token/",
            json.dumps({"username": "a", "password": "b"}),
            JSON,
            CONTENT_LENGTH=length,
        )
        assert answer.status_code == 400


def test_djangos_own_bound_holds_where_it_is_lower(post: Post) -> None:
    body = json.dumps({"username": "x" * 3000, "password": "x"})
    with override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=2500):
        assert post("/api/token/", body, JSON).status_code == 413
    with override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=None):
        assert post("/api/token/", body, JSON).status_code == 401
        assert post("/api/token/", "x" * (MAX_BODY_SIZE + 1), JSON).status_code == 413


def test_a_view_may_take_longer_bodies(post: Post) -> None:
    body = json.dumps({"username": "alice", "password": PASSWORD, "photo": "x" * 500_000})
    assert post("/patient/", body, JSON).status_code == 200
    assert post("/api/token/", body, JSON).status_code == 413


def test_what_is_too_long_is_counted_for_the_network(post: Post, settings: Any) -> None:
    rates = {"DEFAULT_THROTTLE_RATES": {"sign_in_address": "6/hour"}}
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, **rates}
    bad: list[Any] = ["x" * 5000, ["alice"], {"a": 1}, True, "\ud800", "x" * 200_000]
    for name in bad:
        answer = post("/api/token/", json.dumps({"username": name, "password": "x"}), JSON)
        assert answer.status_code in (400, 413), name
    answer = post("/api/token/", json.dumps({"username": "alice", "password": PASSWORD}), JSON)
    assert answer.status_code == 429


@pytest.mark.parametrize("username", ["alice", "nobody"])
@pytest.mark.parametrize("password", ["x" * 73, "x" * 4096, "\u00e9" * 40])
def test_a_password_that_the_hasher_refuses_is_a_wrong_one(
    post: Post, settings: Any, username: str, password: str
) -> None:
    settings.PASSWORD_HASHERS = ["tests.attacks.hasher.ShortHasher"]
    for url in ("/api/token/", "/api/browser/login/"):
        body = json.dumps({"username": username, "password": password})
        answer = post(url, body, JSON)
        assert (answer.status_code, answer.json()["code"]) == (401, "no_active_account")


HEADERS = ("AUTHORIZATION", "IDEMPOTENCY_KEY", "USER_AGENT", "X_FORWARDED_FOR", "COOKIE", "ORIGIN")
VALUES = {
    "letters": "ﷺ".encode().decode("latin-1") * 20_000,
    "commas": "," * 64_000,
    "addresses": "192.0.2.1," * 6_000,
    "Bearer": "Bearer " + "." * 64_000,
    "Basic": "Basic " + "Og" * 32_000,
    "cookies": "a=b;" * 16_000,
    "a cookie": "ratchet-refresh-token=" + "e" * 64_000,
}


@EACH_ENDPOINT
def test_headers_cost_little(url: str, post: Post, settings: Any) -> None:
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "NUM_PROXIES": 2}
    body = "&".join(f"{field}=x" for field in FIELDS[url])
    for header in HEADERS:
        for value in VALUES.values():
            sent = {f"HTTP_{header}": value}
            seconds, status = cpu_of(partial(post, url, body, FORM, **sent))
            assert status < 500
            assert seconds < CPU_SECONDS, (header, status)


@pytest.mark.parametrize("header", ["IF_NONE_MATCH", "IF_MATCH"])
@pytest.mark.parametrize("url", ["/.well-known/jwks.json", "/api/ended-sessions/"])
def test_etags_cost_little(url: str, header: str, settings: Any, tmp_path: Path) -> None:
    new_key(tmp_path, "ES256", time.time(), signs_from=time.time())
    settings.DRF_RATCHET = {**settings.DRF_RATCHET, "KEYS": str(tmp_path)}
    service = f"Basic {b64encode(b'orders:' + b's' * 32).decode()}"
    get = partial(APIClient().get, url, HTTP_AUTHORIZATION=service)
    assert get().status_code == 200
    seconds, status = cpu_of(partial(get, **{f"HTTP_{header}": '"a",' * 500_000}))
    assert status == 200
    assert seconds < CPU_SECONDS
    assert get(HTTP_IF_NONE_MATCH=get()["ETag"]).status_code == 304


# On a real server


def usage(pid: int) -> tuple[float, float]:
    """The CPU time in seconds and the peak of memory in MB of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    peak = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    assert peak
    return (int(fields[11]) + int(fields[12])) / 100, int(peak[1]) / 1024


@pytest.fixture
def server(demo_template: str, tmp_path: Path) -> Any:
    (tmp_path / "uploads").mkdir()
    with (
        copy_of(demo_template, tmp_path) as url,
        serving(
            url, tmp_path / "log", workers=1, THROTTLES="on", TMPDIR=str(tmp_path / "uploads")
        ) as server,
    ):
        yield server


@pytest.mark.full
@pytest.mark.starts
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="Linux says what a process uses")
@pytest.mark.django_db(transaction=True)
def test_on_a_server(server: Server, show: Callable[[str], None]) -> None:
    [pid] = server.worker_pids()

    def send(body: bytes, kind: str) -> int:
        answer = httpx.post(
            f"{server.address}/api/token/", content=body, headers={"Content-Type": kind}, timeout=60
        )
        return answer.status_code

    assert send(b'{"username": "alice", "password": "x"}', JSON) == 401
    name = json.dumps({"username": MEGABYTES, "password": "x"}, ensure_ascii=False).encode()
    before, memory = usage(pid)
    assert send(name, JSON) == 413
    after, peak = usage(pid)
    show(f"2.4 MB of U+FDFA as a name: {after - before:.2f} s of CPU, {peak - memory:.0f} MB")
    assert after - before < 0.2
    assert peak - memory < 20
    for number in range(100):
        send(json.dumps({"username": f"user{number}"}).encode(), JSON)
    before, memory = usage(pid)
    assert send(name, JSON) == 429
    assert send(parts(60_000_000), MULTIPART) == 429
    after, peak = usage(pid)
    assert after - before < 0.4
    assert peak - memory < 20
