"""`manage.py demo_data`: users to sign in as, and posts to read."""

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
from django.core.management.base import BaseCommand
from django.db import transaction

from blog.demo_posts import DEMO_POSTS
from blog.demo_users import DEMO_USERS, PASSWORD, DemoUser
from blog.models import Post


class Command(BaseCommand):
    """Make what the demo starts with, once; keep whatever is there."""

    help = "Makes the demo's users and posts where there are none, and keeps those that are there."

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the users that are missing, and the posts of a blog that has just begun."""
        # All or nothing: posts are only made together with their authors, so a half-made demo
        # would stay without them.
        with transaction.atomic():
            made = {user.username for user in DEMO_USERS if self._make(user)}
            posts = self._make_posts(made)
        kept = [user.username for user in DEMO_USERS if user.username not in made]
        if made:
            names = ", ".join(user.username for user in DEMO_USERS if user.username in made)
            self.stdout.write(f"Made the users {names}, each with the password {PASSWORD}.")
        if kept:
            self.stdout.write(f"Kept the users {', '.join(kept)} as they are.")
        self.stdout.write(f"Made {posts} posts." if posts else "Kept the posts as they are.")

    def _make(self, user: DemoUser) -> bool:
        _, created = get_user_model().objects.get_or_create(
            username=user.username,
            defaults={
                "email": user.email,
                # Asked for only where the user is new: a hash takes its time.
                "password": lambda: make_password(PASSWORD),
                "is_staff": user.staff,
                "is_superuser": user.staff,
            },
        )
        return created

    def _make_posts(self, made: set[str]) -> int:
        # An empty blog may be one whose posts were deleted. It is new only if its authors are.
        if not made.issuperset(author for author, _, _ in DEMO_POSTS) or Post.objects.exists():
            return 0
        authors = get_user_model().objects.in_bulk(made, field_name="username")
        for author, title, body in DEMO_POSTS:
            Post.objects.create(author=authors[author], title=title, body=body)
        return len(DEMO_POSTS)
