"""What no honest client sends to the endpoints: each a 4xx of the contract, and nothing is written.

The test client raises what a view does not answer, so each 500 is a failure here.
"""

import bz2
import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.signals import user_login_failed
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework.response import Response
from rest_framework.test import APIClient

from drf_ratchet.bounds import MAX_BODY_SIZE
from drf_ratchet.models import Session
from tests.fixtures import PASSWORD, Tokens
from tests.sizes import sized

pytestmark = pytest.mark.any_database

#: The fields of each endpoint, with what an honest client would send.
FIELDS = {
    "/api/token/": {"username": "alice", "password": PASSWORD},
    "/api/token/refresh/": {"refresh": "x.y.z"},
    "/api/token/verify/": {"token": "x.y.z"},
    "/api/logout/": {"refresh": "x.y.z"},
}
EACH_ENDPOINT = pytest.mark.parametrize("url", FIELDS)
EACH_FIELD = pytest.mark.parametrize(
    ("url", "field"), [(url, field) for url, fields in FIELDS.items() for field in fields]
)
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=x"
NESTED = 10_000
MEGABYTE = 1_000_000


@pytest.fixture(autouse=True)
def _nothing_is_written(tokens: Tokens) -> Iterator[None]:
    """Alice is signed in, and stays so."""
    before = list(Session.objects.values())
    assert len(before) == 1
    yield
    assert list(Session.objects.values()) == before


def refused(response: Response) -> dict[str, Any]:
    """The body of an answer that must be a refusal as CONTRACT.md has them."""
    assert 400 <= response.status_code < 500
    assert response["Content-Type"] == "application/json"
    assert response["Cache-Control"] == "no-store"
    assert response.has_header("WWW-Authenticate") == (response.status_code == 401)
    assert len(response.content) < 2000, "what was sent is not sent back"
    body: dict[str, Any] = response.json()
    if "detail" in body:
        assert {"detail", "code"} <= body.keys() <= {"detail", "code", "reason"}
        assert all(isinstance(text, str) for text in body.values())
    else:
        texts = [text for texts in body.values() for text in texts]
        assert texts
        assert all(isinstance(text, str) for text in texts)
    return body


def post(url: str, body: bytes | str, content_type: str = JSON) -> Response:
    answer: Response = APIClient().generic("POST", url, body, content_type=content_type)
    return answer


NOT_AN_OBJECT = {
    "not JSON": b"{refresh",
    "a list": b"[]",
    "a list of an object": b'[{"username": "alice"}]',
    "a string": b'"refresh"',
    "a number": b"12",
    "true": b"true",
    "null": b"null",
    "NaN": b"NaN",
    "Infinity in a field": b'{"refresh": Infinity, "token": NaN, "username": -Infinity}',
    "two objects": b"{}{}",
    "nested lists": b"[" * NESTED + b"]" * NESTED,
    "nested lists without an end": b"[" * 2 * NESTED,
    "nested objects": b'{"refresh":' * NESTED + b"1" + b"}" * NESTED,
    "nested in a field": b'{"refresh": ' + b"[" * NESTED + b"]" * NESTED + b"}",
    "a number of 5000 digits": b'{"refresh": ' + b"9" * 5000 + b"}",
    "not UTF-8": b'{"refresh": "\xff", "token": "\xff", "username": "\xff"}',
    "UTF-16": '{"refresh": "x"}'.encode("utf-16"),
    "bytes": bytes(range(256)),
}


@EACH_ENDPOINT
@pytest.mark.parametrize("body", NOT_AN_OBJECT.values(), ids=NOT_AN_OBJECT)
def test_not_an_object(url: str, body: bytes) -> None:
    response = post(url, body)

    refused(response)
    assert response.status_code == 400


@EACH_ENDPOINT
@pytest.mark.parametrize("size", [MAX_BODY_SIZE, 3 * MEGABYTE])
def test_too_much(url: str, size: int) -> None:
    body = json.dumps(dict.fromkeys(FIELDS[url], "x" * size))

    response = post(url, body)

    assert refused(response)["code"] == "body_too_large"
    assert response.status_code == 413


@EACH_ENDPOINT
@pytest.mark.parametrize("body", [b"", b"{}", b" {} \n", b'{"": "", "user": 1, "Refresh": "x"}'])
def test_no_field_at_all(url: str, body: bytes) -> None:
    response = post(url, body)

    # Nobody says who is to be logged out: that is no field's error.
    expected = {"detail", "code"} if url == "/api/logout/" else FIELDS[url].keys()
    assert refused(response).keys() == expected
    assert response.status_code == (401 if url == "/api/logout/" else 400)


NO_STRINGS = {
    "null": None,
    "empty": "",
    "true": True,
    "false": False,
    "a list": ["x"],
    "an empty list": [],
    "an object": {"x": 1},
    "NUL": "\0",
    "NUL within": "alice\0",
    "half a surrogate pair": "\ud800",
    "half a surrogate pair within": "alice\udfff",
}


@EACH_FIELD
@pytest.mark.parametrize("value", NO_STRINGS.values(), ids=NO_STRINGS)
def test_a_field_that_holds_no_string(url: str, field: str, value: object) -> None:
    response = post(url, json.dumps(FIELDS[url] | {field: value}))

    assert refused(response).keys() == {field}
    assert response.status_code == 400


WRONG_STRINGS = {
    "an int": 12,
    "a float": 1.5,
    "a number of 4000 digits": 10**4000,
    "100 kB": "x" * 100_000,
    "100 kB of dots": "." * 100_000,
    "20,000 letters of another script": "ж" * 20_000,
    "control characters": "\x01\x1b[31m\x7f",
    "quotes": "' OR '1'='1' --",
    "newlines": "a\r\nSet-Cookie: b",
    "markup": "<script>alert(1)</script>",
    "right to left": "\u202eecila",
    "an emoji": "\U0001f511",
}


@EACH_FIELD
@pytest.mark.parametrize("value", WRONG_STRINGS.values(), ids=WRONG_STRINGS)
def test_a_field_that_holds_another_string(url: str, field: str, value: object) -> None:
    response = post(url, json.dumps(FIELDS[url] | {field: value}))

    body = refused(response)
    if url != "/api/token/":
        assert (body["code"], body["reason"]) == ("token_not_valid", "malformed")
        assert response.status_code == (400 if url == "/api/logout/" else 401)
    elif isinstance(value, str) and len(value) > 4096:
        assert body.keys() == {field}
        assert response.status_code == 400
    else:
        assert body["code"] == "no_active_account"
        assert response.status_code == 401


@pytest.mark.parametrize("url", [url for url in FIELDS if url != "/api/logout/"])
@pytest.mark.parametrize("content_type", [JSON, FORM])
def test_a_field_missing(url: str, content_type: str) -> None:
    for field in FIELDS[url]:
        rest = {name: value for name, value in FIELDS[url].items() if name != field}
        body = json.dumps(rest) if content_type == JSON else "&".join(map("=".join, rest.items()))

        response = post(url, body or "{}", content_type)

        assert refused(response).keys() == {field}
        assert response.status_code == 400


KINDS = {
    "text": ("text/plain", b"{}", 415),
    "XML": ("application/xml", b"<refresh/>", 415),
    "none": ("", b"{}", 415),
    "half": ("application", b"{}", 415),
    "more than one": ("application/json, text/plain", b"{}", 415),
    "a line too many": ("application/json\r\nX: y", b"{}", 415),
    "a charset that is no text's": ("application/json; charset=bz2_codec", b"{}", 400),
    "a charset that unpacks": ("application/json; charset=bz2_codec", bz2.compress(b"{}"), 400),
    "a charset that nobody knows": ("application/json; charset=klingon", b"{}", None),
    "a charset that needs a mark": ("application/json; charset=utf-16", b"{}", 400),
    "JSON as a form": (FORM, b'{"refresh": "x", "token": "x"}', None),
    "no form": (FORM, b"\xff\0=&&;%%%=%zz", None),
    "NUL in a form": (FORM, b"refresh=a%00&token=a%00&username=a%00&password=a", 400),
    "a thousand fields": (FORM, b"a=b&" * 1001, 400),
    "a form of 3 MB": (FORM, b"refresh=" + b"x" * 3 * MEGABYTE, 413),
    "no boundary": ("multipart/form-data", b"--x\r\n\r\n--x--", 400),
    "no ASCII in the boundary": ("multipart/form-data; boundary=\xff", b"--x--", 400),
    "another boundary": (MULTIPART, b"--y\r\n\r\n--y--", None),
    "no parts": (MULTIPART, b"--x--", None),
    "a part without an end": (MULTIPART, b'--x\r\nContent-Disposition: form-data; name="a', None),
    "a form that is no text": (f"{FORM}; charset=bz2_codec", b"refresh=a", None),
    "parts that are no text": (f"{MULTIPART}; charset=rot13", b"--x--", None),
}


@EACH_ENDPOINT
@pytest.mark.parametrize(("kind", "body", "status"), KINDS.values(), ids=KINDS)
def test_other_kinds_of_body(url: str, kind: str, body: bytes, status: int | None) -> None:
    response = post(url, body, kind)

    refused(response)
    assert status in (None, response.status_code)


PART = b'--x\r\nContent-Disposition: form-data; name="refresh"\r\n\r\nabc\r\n--x--\r\n'


@EACH_ENDPOINT
@pytest.mark.parametrize(
    ("kind", "body"), [(f"{FORM}; charset=punycode", b"a=b"), (f"{MULTIPART}; charset=idna", PART)]
)
def test_a_charset_that_fails_in_its_own_way(url: str, kind: str, body: bytes) -> None:
    refused(post(url, body, kind))


@EACH_FIELD
def test_a_file_where_a_string_belongs(api: APIClient, url: str, field: str) -> None:
    file = SimpleUploadedFile("refresh", b"x.y.z")

    response = api.post(url, FIELDS[url] | {field: file}, format="multipart")

    assert refused(response).keys() == {field}


@EACH_ENDPOINT
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "TRACE", "BREW"])
def test_methods(api: APIClient, url: str, method: str) -> None:
    response = api.generic(method, url, json.dumps(FIELDS[url]), content_type=JSON)

    assert response.status_code == 405
    assert response["Allow"] == "POST, OPTIONS"
    if method != "HEAD":
        assert refused(response)["code"] == "method_not_allowed"


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
BODY = st.one_of(
    st.binary(max_size=300),
    ANYTHING.map(json.dumps),
    st.fixed_dictionaries(
        {}, optional={name: ANYTHING for fields in FIELDS.values() for name in fields}
    ).map(json.dumps),
)


@EACH_ENDPOINT
@settings(
    max_examples=sized(40, 8),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(body=BODY, kind=st.sampled_from([JSON, JSON, JSON, FORM, MULTIPART, "text/plain", ""]))
def test_anything(url: str, body: bytes | str, kind: str) -> None:
    cache.clear()  # the throttle would answer for the view

    refused(post(url, body, kind))


@pytest.mark.parametrize(
    "kind", [f"application/{PASSWORD}", f"multipart/form-data; boundary{PASSWORD}=\xec"]
)
@EACH_ENDPOINT
def test_a_content_type_is_not_repeated(api: APIClient, url: str, kind: str) -> None:
    answer = api.generic("POST", url, b"--x--", content_type=kind)

    assert answer.status_code in (400, 401, 415)
    assert PASSWORD not in answer.content.decode()


@pytest.mark.parametrize("url", ["/api/token/", "/api/browser/login/"])
@pytest.mark.django_db
def test_names_longer_than_any_account_reach_no_backend(url: str, api: APIClient) -> None:
    """django-axes has 255 characters for them, and PostgreSQL raises an error for more."""
    failed: list[Any] = []

    def note(sender: Any, credentials: Any, **kwargs: Any) -> None:
        failed.append(credentials["username"])

    user_login_failed.connect(note)
    try:
        for name in ("x" * 254, "x" * 255, "\ufdfa" * 1000):
            answer = api.post(
                url, {"username": name, "password": "wrong"}, HTTP_SEC_FETCH_SITE="same-origin"
            )
            assert (answer.status_code, answer.json()["code"]) == (401, "no_active_account")
    finally:
        user_login_failed.disconnect(note)
    assert failed == ["x" * 254]
