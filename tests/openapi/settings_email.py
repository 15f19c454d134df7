"""A project whose users sign in by an email address."""

from tests.custom_user.settings import *  # noqa: F403
