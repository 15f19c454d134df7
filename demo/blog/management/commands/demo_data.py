"""`manage.py demo_data`: create the demo's users and posts."""

from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
from django.core.management.base import BaseCommand
from django.db import transaction

from blog.demo_posts import DEMO_POSTS
from blog.demo_users import DEMO_USERS, PASSWORD, DemoUser
from blog.models import Post


class Command(BaseCommand):
    """Create the demo's users and posts once, and keep existing ones."""

    help = "Creates the demo's users and posts if they are missing, and keeps existing ones."

    def handle(self, *args: Any, **options: Any) -> None:
        """Create missing users, and the posts of a new blog."""
        # One transaction: posts are only created together with their authors, so a partly created
        # demo would never get its posts.
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
        found, created = get_user_model().objects.get_or_create(
            username=user.username,
            defaults={
                "email": user.email,
                # A callable, because hashing is slow: only a new user needs it.
                "password": lambda: make_password(PASSWORD),
                "is_staff": user.staff,
                "is_superuser": user.staff,
            },
        )
        if apps.is_installed("allauth.account"):
            self._verify_address_of(found)
        return created

    def _verify_address_of(self, user: Any) -> None:
        from allauth.account.models import EmailAddress

        EmailAddress.objects.get_or_create(
            user=user, email=user.email, defaults={"verified": True, "primary": True}
        )

    def _make_posts(self, made: set[str]) -> int:
        # The posts of an empty blog may have been deleted. It is new only if its authors are new.
        if not made.issuperset(author for author, _, _ in DEMO_POSTS) or Post.objects.exists():
            return 0
        authors = get_user_model().objects.in_bulk(made, field_name="username")
        for author, title, body in DEMO_POSTS:
            Post.objects.create(author=authors[author], title=title, body=body)
        return len(DEMO_POSTS)
