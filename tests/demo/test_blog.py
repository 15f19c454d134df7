"""The demo's contract, row by row."""

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.staticfiles import finders
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from blog.demo_users import DEMO_USERS, PASSWORD
from blog.models import Post
from tests.demo.conftest import ClientOf

DRAFT = {"title": "A new title", "body": "A new body."}


def claims_of(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=="))
    return claims


def bearer(pair: dict[str, str]) -> dict[str, Any]:
    return {"HTTP_AUTHORIZATION": f"Bearer {pair['access']}"}


def tokens_of(api: APIClient, user: User) -> dict[str, str]:
    credentials = {"username": user.username, "password": PASSWORD}
    response = api.post("/api/token/", credentials)
    assert response.status_code == 200
    pair: dict[str, str] = response.json()
    return pair


class TestTokens:
    @pytest.mark.parametrize(("name", "role"), [("alice", "user"), ("admin", "admin")])
    def test_an_access_token_says_who_it_is(
        self, request: pytest.FixtureRequest, api: APIClient, name: str, role: str
    ) -> None:
        user: User = request.getfixturevalue(name)

        claims = claims_of(tokens_of(api, user)["access"])

        expected = {"user_id": user.pk, "email": user.email, "username": name, "role": role}
        assert claims.items() >= expected.items()

    def test_a_refresh_token_does_not(self, api: APIClient, alice: User) -> None:
        claims = claims_of(tokens_of(api, alice)["refresh"])

        assert not {"user_id", "email", "username", "role"} & claims.keys()

    def test_a_role_taken_away_is_gone_at_the_next_refresh(
        self, api: APIClient, admin: User
    ) -> None:
        pair = tokens_of(api, admin)
        User.objects.filter(pk=admin.pk).update(is_staff=False)

        response = api.post("/api/token/refresh/", {"refresh": pair["refresh"]})

        assert claims_of(response.json()["access"])["role"] == "user"

    def test_logout_ends_the_session_whichever_token_names_it(
        self, api: APIClient, alice: User
    ) -> None:
        """Sign in, call, refresh, log out with the refresh token that has been used already."""
        first = tokens_of(api, alice)
        assert api.get("/api/protected/", **bearer(first)).status_code == 200
        refreshed = api.post("/api/token/refresh/", {"refresh": first["refresh"]})
        assert refreshed.status_code == 200
        second = refreshed.json()
        assert second["refresh"] != first["refresh"]

        response = api.post("/api/logout/", {"refresh": first["refresh"]}, **bearer(second))

        assert (response.status_code, response.json()) == (200, {"detail": "Logout successful."})
        for pair in (first, second):
            refused = api.post("/api/token/refresh/", {"refresh": pair["refresh"]})
            assert (refused.status_code, refused.json()["code"]) == (401, "token_not_valid")
            assert api.get("/api/protected/", **bearer(pair)).status_code == 401

    def test_the_key_set_is_at_the_root(self, api: APIClient) -> None:
        assert api.get("/.well-known/jwks.json").json() == {"keys": []}


class TestProtected:
    def test_signed_in(self, client_of: ClientOf, alice: User) -> None:
        response = client_of(alice).get("/api/protected/")

        assert response.status_code == 200
        assert response.json() == {"message": "This is a protected view!"}

    @pytest.mark.django_db
    def test_anonymous_request_gets_401(self, api: APIClient) -> None:
        response = api.get("/api/protected/")

        assert response.status_code == 401
        assert response["WWW-Authenticate"].startswith('Bearer realm="api"')


class TestList:
    def test_anyone_reads_it(self, api: APIClient, post: Post) -> None:
        response = api.get("/api/posts/")

        assert response.status_code == 200
        assert response.json() == {
            "count": 1,
            "next": None,
            "previous": None,
            "results": [
                {
                    "id": post.pk,
                    "title": "A title",
                    "body": "A body.",
                    "author": "alice",
                    "created_at": post.created_at.isoformat().replace("+00:00", "Z"),
                }
            ],
        }

    def test_invalid_token_is_ignored_by_the_public_list(self, api: APIClient, post: Post) -> None:
        api.credentials(HTTP_AUTHORIZATION="Bearer stale")

        assert api.get("/api/posts/").status_code == 200

    def test_twenty_to_a_page_newest_first(self, api: APIClient, alice: User) -> None:
        # All of one instant, so that only the tie-break can put them in order.
        now = timezone.now()
        made = [Post.objects.create(author=alice, title=f"{n}", body="…") for n in range(25)]
        Post.objects.update(created_at=now)

        first = api.get("/api/posts/").json()
        second = api.get(first["next"]).json()

        assert (first["count"], len(first["results"]), len(second["results"])) == (25, 20, 5)
        shown = [post["id"] for page in (first, second) for post in page["results"]]
        assert shown == [post.pk for post in reversed(made)]

    def test_queries_do_not_grow_with_posts_or_authors(
        self, api: APIClient, alice: User, bob: User
    ) -> None:
        counts = []
        for authors in ([alice], [alice, bob] * 8):
            for author in authors:
                Post.objects.create(author=author, **DRAFT)
            with CaptureQueriesContext(connection) as queries:
                api.get("/api/posts/")
            counts.append(len(queries))

        assert counts == [2, 2]  # How many there are, and one page of them.

    def test_posting_is_elsewhere(self, api: APIClient, post: Post) -> None:
        assert api.post("/api/posts/", DRAFT).status_code == 405


class TestCreate:
    @pytest.mark.parametrize("format", ["json", "multipart"])
    def test_signed_in(self, client_of: ClientOf, alice: User, format: str) -> None:
        response = client_of(alice).post("/api/posts/create/", DRAFT, format=format)

        post = Post.objects.get()
        assert response.status_code == 201
        assert response.json() == {
            "id": post.pk,
            **DRAFT,
            "author": "alice",
            "created_at": post.created_at.isoformat().replace("+00:00", "Z"),
        }
        assert (post.title, post.body, post.author) == (*DRAFT.values(), alice)

    def test_the_author_is_the_caller_whatever_the_body_says(
        self, client_of: ClientOf, alice: User, bob: User
    ) -> None:
        client = client_of(alice)
        for author in ("bob", bob.pk, {"username": "bob"}, None):
            body = {**DRAFT, "author": author, "author_id": bob.pk, "id": 4711}

            response = client.post("/api/posts/create/", body)

            assert (response.status_code, response.json()["author"]) == (201, "alice")
        assert set(Post.objects.values_list("author", flat=True)) == {alice.pk}
        assert not Post.objects.filter(pk=4711).exists()

    @pytest.mark.django_db
    def test_anonymous_request_gets_401(self, api: APIClient) -> None:
        assert api.post("/api/posts/create/", DRAFT).status_code == 401
        assert not Post.objects.exists()


class TestDetail:
    @pytest.mark.parametrize("name", ["alice", "admin"])
    def test_the_author_and_staff_may(
        self, request: pytest.FixtureRequest, client_of: ClientOf, post: Post, name: str
    ) -> None:
        client = client_of(request.getfixturevalue(name))
        url = f"/api/posts/{post.pk}/"

        read = client.get(url)
        assert (read.status_code, read.json()["title"]) == (200, "A title")
        put = client.put(url, {**DRAFT, "author": "bob"})
        assert (put.status_code, put.json()["title"]) == (200, "A new title")
        patched = client.patch(url, {"body": "Shorter."})
        assert (patched.status_code, patched.json()["body"]) == (200, "Shorter.")

        post.refresh_from_db()
        assert (post.title, post.body, post.author.username) == (
            "A new title",
            "Shorter.",
            "alice",
        )
        assert client.delete(url).status_code == 204
        assert not Post.objects.exists()
        assert client.get(url).status_code == 404

    @pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
    def test_another_user_may_not(
        self, client_of: ClientOf, post: Post, bob: User, method: str
    ) -> None:
        response = getattr(client_of(bob), method)(f"/api/posts/{post.pk}/", DRAFT)

        assert response.status_code == 403
        assert Post.objects.get().title == "A title"

    @pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
    def test_anonymous_change_gets_401(self, api: APIClient, post: Post, method: str) -> None:
        response = getattr(api, method)(f"/api/posts/{post.pk}/", DRAFT)

        assert response.status_code == 401
        assert Post.objects.get().title == "A title"

    @pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
    def test_not_there(self, client_of: ClientOf, alice: User, method: str) -> None:
        response = getattr(client_of(alice), method)("/api/posts/4711/", DRAFT)

        assert response.status_code == 404

    def test_anonymous_request_does_not_reveal_posts(self, api: APIClient, post: Post) -> None:
        there, not_there = (api.get(f"/api/posts/{pk}/") for pk in (post.pk, 4711))

        assert there.status_code == not_there.status_code == 401
        assert there.content == not_there.content


class TestPage:
    def test_it_names_the_users_and_the_endpoints(self, api: APIClient) -> None:
        response = api.get("/", HTTP_ACCEPT="text/html")

        assert response.status_code == 200
        page = response.content.decode()
        for word in (
            *(user.username for user in DEMO_USERS),
            PASSWORD,
            "curl http://testserver/api/token/",
            "/api/token/refresh/",
            "/api/browser/refresh/",
        ):
            assert word in page

    def test_it_loads_its_own_files_and_nothing_else(self, api: APIClient) -> None:
        response = api.get("/", HTTP_ACCEPT="text/html")

        assert response["Content-Security-Policy"] == (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';"
            " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        page = response.content.decode()
        # What the policy would refuse: a script in the page, a style or a handler in an attribute.
        assert re.findall(r"<script[^>]*>(?!</script>)", page) == []
        assert re.findall(r"<style|\s(?:style|on\w+)=", page) == []
        loaded = re.findall(r"<(?:link|script|img)[^>]*?(?:href|src)=\"([^\"]*)\"", page)
        assert "/static/blog/js/page.js" in loaded
        for url in loaded:
            assert url.startswith("/static/")
            assert finders.find(url.removeprefix("/static/"))

    def test_its_files_name_only_files_that_are_there(self) -> None:
        folder = Path(finders.find("blog/js/page.js") or "").parent
        # Where the demo serves the client.
        client = "../../drf-ratchet/"
        assert f"{client}ratchet.js" in (folder / "page.js").read_text()
        for module in folder.glob("*.js"):
            for name in re.findall(r'from "([^"]*)"', module.read_text()):
                if name.startswith(client):
                    assert finders.find(name.removeprefix("../../"))
                else:
                    assert (folder / name).is_file()
        for sheet in folder.parent.glob("*.css"):
            for name in re.findall(r'url\("([^"]*)"\)', sheet.read_text()):
                assert (folder.parent / name).is_file()

    def test_what_users_write_never_becomes_markup(self) -> None:
        folder = Path(finders.find("blog/js/page.js") or "").parent
        for module in folder.glob("*.js"):
            assert not re.search(
                r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b",
                module.read_text(),
            )


@pytest.mark.django_db
def test_the_migrations_are_complete() -> None:
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


def test_the_admin_lists_posts_in_so_many_queries(
    admin: User, alice: User, bob: User, client: Any
) -> None:
    client.force_login(admin)
    counts = []
    for authors in ([alice], [alice, bob] * 8):
        for author in authors:
            Post.objects.create(author=author, **DRAFT)
        with CaptureQueriesContext(connection) as queries:
            assert client.get("/admin/blog/post/").status_code == 200
        counts.append(len(queries))

    assert counts[0] == counts[1]
