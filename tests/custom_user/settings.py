"""The settings of the tests, with the user model that ``RATCHET_USER_SHAPE`` names."""

from tests.custom_user.shapes import SHAPES, this_shape
from tests.settings import *  # noqa: F403
from tests.settings import DATABASES, INSTALLED_APPS

_SHAPE = SHAPES[this_shape() or "email"]


class _NoMigrations(dict[str, None]):
    def __contains__(self, label: object) -> bool:
        return True

    def __getitem__(self, label: str) -> None:
        return None


INSTALLED_APPS = [*INSTALLED_APPS, "tests.custom_user"]
AUTH_USER_MODEL = f"custom_user.{_SHAPE.model}"
ROOT_URLCONF = "tests.custom_user.looking"
# The blog's claims are made for Django's own user.
DRF_RATCHET = {"USER_ID_FIELD": _SHAPE.id_field} if _SHAPE.id_field else {}
if not _SHAPE.has_password:
    AUTHENTICATION_BACKENDS = ["tests.custom_user.models.BareBackend"]
if not _SHAPE.migrates:
    MIGRATION_MODULES = _NoMigrations()

# Beside the database of the run that started this one. SQLite's is in memory.
if "sqlite" not in DATABASES["default"]["ENGINE"]:
    DATABASES["default"]["TEST"] = {"NAME": f"test_custom_user_{this_shape()}"}
