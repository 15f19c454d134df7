"""What no honest client sends: each a 4xx, and nothing is written."""

import json
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from blog.models import Post
from tests.demo.conftest import ClientOf

pytestmark = pytest.mark.any_database

Send = Callable[[bytes, str], int]

NESTED = 20_000

BODIES = {
    "not JSON": b"{title",
    "a list": b'[{"title": "x", "body": "x"}]',
    "an empty list": b"[]",
    "a string": b'"title"',
    "a number": b"12",
    "null": b"null",
    "nested lists": b"[" * NESTED + b"]" * NESTED,
    "nested lists without an end": b"[" * 2 * NESTED,
    "nested objects": b'{"title":' * NESTED + b"1" + b"}" * NESTED,
    "nested in a field": b'{"body": "x", "title": ' + b"[" * NESTED + b"]" * NESTED + b"}",
    "NaN": b'{"title": NaN, "body": "x"}',
    "a number of 5000 digits": b'{"body": "x", "title": ' + b"9" * 5000 + b"}",
    "not UTF-8": b'{"title": "\xff", "body": "x"}',
    "NUL in the title": json.dumps({"title": "a\0b", "body": "x"}).encode(),
    "NUL in the body": json.dumps({"title": "x", "body": "a\0b"}).encode(),
    "half a surrogate pair in the title": b'{"title": "\\ud800", "body": "x"}',
    "half a surrogate pair in the body": b'{"title": "x", "body": "\\udfff"}',
    "an empty title": b'{"title": "", "body": "x"}',
    "a title of spaces": b'{"title": "  ", "body": "x"}',
    "a title one too long": json.dumps({"title": "x" * 201, "body": "x"}).encode(),
    "a title of 100 kB": json.dumps({"title": "x" * 100_000, "body": "x"}).encode(),
    "a title that is a list": b'{"title": ["x"], "body": "x"}',
    "a title that is an object": b'{"title": {"x": 1}, "body": "x"}',
    "a title that is true": b'{"title": true, "body": "x"}',
    "a title that is null": b'{"title": null, "body": "x"}',
}

FORMS = {
    "NUL in the title": ("application/x-www-form-urlencoded", b"title=a%00b&body=x", 400),
    "no boundary": ("multipart/form-data", b"--x\r\n\r\n--x--", 400),
    "a boundary that is not ASCII": ("multipart/form-data; boundary=\xff", b"--x--", 400),
    "more fields than Django takes": (
        "application/x-www-form-urlencoded",
        b"&".join(b"title=x" for _ in range(1001)),
        400,
    ),
    "more bytes than Django takes": (
        "application/json",
        json.dumps({"title": "x", "body": "x" * 3_000_000}).encode(),
        400,
    ),
    "XML": ("application/xml", b"<title/>", 415),
    "a character set that is none": ("application/json; charset=bz2_codec", b"{}", 400),
}

IDS = {
    "zero": "0",
    "one more than 64 bits": str(2**63),
    "23 digits": "9" * 23,
    "more digits than int() takes": "9" * 5000,
    "negative": "-1",
    "a word": "latest",
    "Arabic digits": "\u0661",
    "NUL": "%00",
}


PAGES = ["0", "-1", "x", "1.5", "%00", "9" * 30, "9" * 5000, "%ED%A0%80"]


@pytest.fixture(params=["create", "put", "patch"])
def send(request: pytest.FixtureRequest, client_of: ClientOf, alice: User, post: Post) -> Send:
    """Send a body to each of the places that take one."""
    client = client_of(alice)
    method, url = {
        "create": (client.post, "/api/posts/create/"),
        "put": (client.put, f"/api/posts/{post.pk}/"),
        "patch": (client.patch, f"/api/posts/{post.pk}/"),
    }[request.param]

    def send(body: bytes, content_type: str) -> int:
        response = method(url, body, content_type=content_type)
        assert response["Content-Type"] == "application/json"
        assert isinstance(response.json(), dict)
        status: int = response.status_code
        return status

    return send


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_json(send: Send, body: bytes) -> None:
    assert send(body, "application/json") == 400

    assert_nothing_was_written()


@pytest.mark.parametrize(("content_type", "body", "status"), FORMS.values(), ids=FORMS)
def test_other_kinds(send: Send, content_type: str, body: bytes, status: int) -> None:
    assert send(body, content_type) == status

    assert_nothing_was_written()


@pytest.mark.parametrize("body", [b"", b"{}"])
def test_nothing_to_write(client_of: ClientOf, alice: User, post: Post, body: bytes) -> None:
    client = client_of(alice)

    created = client.post("/api/posts/create/", body, content_type="application/json")
    replaced = client.put(f"/api/posts/{post.pk}/", body, content_type="application/json")

    assert created.status_code == replaced.status_code == 400
    assert created.json().keys() == replaced.json().keys() == {"title", "body"}
    assert_nothing_was_written()


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
@pytest.mark.parametrize("pk", IDS.values(), ids=IDS)
def test_ids(client_of: ClientOf, alice: User, post: Post, pk: str, method: str) -> None:
    send = getattr(client_of(alice), method)

    assert send(f"/api/posts/{pk}/", {"title": "x", "body": "x"}).status_code == 404

    assert_nothing_was_written()


@pytest.mark.parametrize("page", PAGES)
def test_pages(api: APIClient, post: Post, page: str) -> None:
    assert api.get(f"/api/posts/?page={page}").status_code == 404


def assert_nothing_was_written() -> None:
    assert list(Post.objects.values_list("title", "body")) == [("A title", "A body.")]
