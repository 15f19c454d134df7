"""django-tenants: a PostgreSQL schema for each tenant. ``ISSUER`` is the how-to's."""

import os

from tests.tenants.common import *  # noqa: F403
from tests.tenants.common import INSTALLED_APPS, MIDDLEWARE, RATCHET, database, of_page

DATABASES = {"default": database(os.environ["DATABASE_URL"], "django_tenants.postgresql_backend")}
DATABASES["default"]["ATOMIC_REQUESTS"] = True
DATABASE_ROUTERS = ["django_tenants.routers.TenantSyncRouter"]
TENANT_MODEL = "customers.Customer"
TENANT_DOMAIN_MODEL = "customers.Domain"
SHARED_APPS = ["django_tenants", "tests.tenants.customers", *INSTALLED_APPS]
TENANT_APPS = INSTALLED_APPS
INSTALLED_APPS = SHARED_APPS
MIDDLEWARE = ["django_tenants.middleware.main.TenantMainMiddleware", *MIDDLEWARE]
DRF_RATCHET = {**RATCHET, **of_page("shop.settings")["DRF_RATCHET"]}
