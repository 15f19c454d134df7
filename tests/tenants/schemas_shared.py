"""django-tenants, and users and sessions that all tenants share: ``ISSUER`` stays unset."""

from tests.tenants import schemas
from tests.tenants.common import RATCHET
from tests.tenants.schemas import *  # noqa: F403

#: Of no model: what tenants have for themselves does not matter here.
TENANT_APPS = ["django.contrib.messages"]
SHARED_APPS = schemas.SHARED_APPS
DRF_RATCHET = RATCHET
