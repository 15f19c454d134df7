"""A database for each tenant, by the how-to's router, middleware and ``ISSUER``."""

import os
import sys
from pathlib import Path
from types import ModuleType

from tests.tenants.common import *  # noqa: F403
from tests.tenants.common import MIDDLEWARE, RATCHET, of_page

sys.modules["orders"] = ModuleType("orders")
tenants = sys.modules["orders.tenants"] = ModuleType("orders.tenants")
vars(tenants).update(of_page("orders.tenants"))
tenants.HOSTS["public.example"] = "default"
use_tenant = tenants.use_tenant

DATABASES = {
    alias: {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": Path(os.environ["TENANTS_FOLDER"]) / f"{alias}.sqlite3",
        "ATOMIC_REQUESTS": True,
        "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 20},
    }
    for alias in ("default", "a", "b")
}
own = of_page("orders.settings")
DATABASE_ROUTERS = own["DATABASE_ROUTERS"]
MIDDLEWARE = [*own["MIDDLEWARE"], *MIDDLEWARE]
DRF_RATCHET = {**RATCHET, **own["DRF_RATCHET"]}
