"""`manage.py demo_data` makes what is missing, and never undoes what somebody did."""

from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command

from blog.demo_posts import DEMO_POSTS
from blog.demo_users import PASSWORD
from blog.models import Post

pytestmark = pytest.mark.django_db


def demo_data() -> str:
    out = StringIO()
    call_command("demo_data", stdout=out)
    return out.getvalue()


def test_the_first_time_it_makes_users_and_posts() -> None:
    said = demo_data()

    users = {user.username: user for user in User.objects.all()}
    assert users.keys() == {"alice", "bob", "admin"}
    assert all(user.check_password(PASSWORD) and user.is_active for user in users.values())
    staff = {name for name, user in users.items() if user.is_staff or user.is_superuser}
    assert staff == {"admin"}
    assert users["admin"].is_staff
    assert users["admin"].is_superuser
    authors = set(Post.objects.values_list("author__username", flat=True))
    assert authors == {"alice", "bob"}
    assert Post.objects.count() == len(DEMO_POSTS)
    assert "Made the users alice, bob, admin" in said
    assert PASSWORD in said
    assert f"Made {len(DEMO_POSTS)} posts." in said


def test_the_second_time_it_keeps_them() -> None:
    demo_data()
    before = list(User.objects.values()), list(Post.objects.values())

    said = demo_data()

    assert (list(User.objects.values()), list(Post.objects.values())) == before
    assert said == "Kept the users alice, bob, admin as they are.\nKept the posts as they are.\n"


def test_a_changed_password_stays_changed() -> None:
    demo_data()
    alice = User.objects.get(username="alice")
    alice.set_password("another one")
    alice.save()

    demo_data()

    alice.refresh_from_db()
    assert alice.check_password("another one")


def test_deleted_posts_stay_deleted() -> None:
    demo_data()
    Post.objects.filter(title=DEMO_POSTS[0][1]).delete()
    demo_data()
    assert Post.objects.count() == len(DEMO_POSTS) - 1

    Post.objects.all().delete()
    demo_data()

    assert not Post.objects.exists()


def test_a_deleted_user_comes_back_without_posts() -> None:
    demo_data()
    User.objects.get(username="alice").delete()

    said = demo_data()

    assert "Made the users alice," in said
    assert "Kept the users bob, admin as they are." in said
    assert set(Post.objects.values_list("author__username", flat=True)) == {"bob"}


def test_users_of_these_names_are_not_taken_over() -> None:
    User.objects.create_user("admin", password="mine")

    said = demo_data()

    admin = User.objects.get(username="admin")
    assert admin.check_password("mine")
    assert not admin.is_staff
    assert "Kept the users admin as they are." in said
    assert Post.objects.count() == len(DEMO_POSTS)
