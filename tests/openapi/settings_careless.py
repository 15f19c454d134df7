"""A project that has not said what one of its views answers: drf-spectacular warns."""

from tests.openapi.settings import *  # noqa: F403

ROOT_URLCONF = "tests.openapi.urls_careless"
