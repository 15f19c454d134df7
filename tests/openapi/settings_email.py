"""A project whose users sign in by an email address."""

from tests.custom_user.settings import *  # noqa: F403

ROOT_URLCONF = "drf_ratchet.urls"
# Of the blog's admin, which knows Django's own user.
SILENCED_SYSTEM_CHECKS = ["admin.E039", "axes.W002", "axes.W003"]
