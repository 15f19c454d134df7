"""More users of the blog, a post, and clients that have signed in."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from blog.demo_users import PASSWORD
from blog.models import Post

ClientOf = Callable[[User], APIClient]


@pytest.fixture
def bob(db: None) -> User:
    return User.objects.create_user("bob", "bob@example.com", PASSWORD)


@pytest.fixture
def admin(db: None) -> User:
    return User.objects.create_superuser("admin", "admin@example.com", PASSWORD)


@pytest.fixture
def post(alice: User) -> Post:
    return Post.objects.create(author=alice, title="A title", body="A body.")


@pytest.fixture
def client_of() -> ClientOf:
    """What makes a client of a user, by a real sign-in."""

    def signed_in(user: User) -> APIClient:
        client = APIClient()
        response = client.post("/api/token/", {"username": user.username, "password": PASSWORD})
        assert response.status_code == 200, response.content
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {response.json()['access']}")
        return client

    return signed_in
