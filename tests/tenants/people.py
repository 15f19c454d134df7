"""Make the tenants and their users: in each the first has the primary key 1.

python -m tests.tenants.people
"""

import django
from django.conf import settings
from django.core.management import call_command

#: Each tenant, and its users in the order of their keys; those named "root" are superusers.
PEOPLE = {"public": ["root"], "a": ["alice", "root-a"], "b": ["bob", "root-b"]}
PASSWORD = "ratchet-demo-1"


def main() -> None:
    django.setup()
    if hasattr(settings, "TENANT_MODEL"):
        in_schemas()
    elif "a" in settings.DATABASES:
        in_databases()
    else:
        for alias in settings.DATABASES:
            call_command("migrate", database=alias, verbosity=0)
        create(["alice", "bob", "carol", "root"])


def in_schemas() -> None:
    from django_tenants.utils import schema_context

    from tests.tenants.customers.models import Customer, Domain

    call_command("migrate_schemas", schema_name="public", verbosity=0)
    for name in PEOPLE:
        customer = Customer(schema_name=name, name=name)
        customer.save(verbosity=0)
        Domain.objects.create(domain=f"{name}.test", tenant=customer, is_primary=True)
    for name, users in PEOPLE.items():
        with schema_context(name):
            create(users)


def in_databases() -> None:
    from tests.tenants.databases import use_tenant

    for name, users in PEOPLE.items():
        alias = "default" if name == "public" else name
        call_command("migrate", database=alias, verbosity=0)
        with use_tenant(alias):
            create(users)


def create(users: list[str]) -> None:
    from django.contrib.auth.models import User

    for name in users:
        make = User.objects.create_user
        if name.startswith("root"):
            make = User.objects.create_superuser
        make(name, password=PASSWORD)


if __name__ == "__main__":
    main()
