"""One PostgreSQL database, reached in the ways that ``TENANTS_DATABASE`` says."""

import os

from tests.tenants.common import *  # noqa: F403
from tests.tenants.common import RATCHET, database

DATABASES = {"default": database(os.environ["DATABASE_URL"])}
DRF_RATCHET = {**RATCHET, "MAX_SESSIONS_PER_USER": 5}
