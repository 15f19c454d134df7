"""The tenants of django-tenants. They live in the public schema."""

from typing import Any

from django.db import models
from django_tenants.models import DomainMixin, TenantMixin

_Tenant: Any = TenantMixin
_Domain: Any = DomainMixin


class Customer(_Tenant):
    name = models.CharField(max_length=100)

    def __str__(self) -> str:
        return self.name


class Domain(_Domain):
    def __str__(self) -> str:
        return str(self.domain)
