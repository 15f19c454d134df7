"""These tests start from the same database as the races."""

from tests.races.conftest import demo_template

__all__ = ["demo_template"]
