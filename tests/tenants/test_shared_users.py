"""django-tenants with users and sessions in the public schema: one account for all tenants."""

import importlib.util
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.fixtures import Tokens, payload
from tests.tenants.served import FRESHNESS, Project, Site, database, eventually

pytestmark = [
    pytest.mark.any_database,
    pytest.mark.skipif(
        importlib.util.find_spec("django_tenants") is None,
        reason="django-tenants is not installed: see requirements/dev.in",
    ),
    pytest.mark.starts,
    pytest.mark.full,
]


@pytest.fixture(scope="session")
def project(postgres: str) -> Iterator[Project]:
    with database(postgres) as url:
        made = Project("tests.tenants.schemas_shared", url, {})
        made.run(program="tests.tenants.people")
        yield made


def test_shared_users_are_signed_in_and_out_at_every_tenant(
    project: Project, tmp_path: Path
) -> None:
    with project.served(tmp_path / "log") as address:
        a, b = Site(address, "a.test"), Site(address, "b.test")
        for freshness in FRESHNESS:
            tokens = a.sign_in("root")
            assert "iss" not in payload(tokens.access)
            for site in (a, b):
                assert site.whoami(tokens, freshness).json() == {"id": 1, "username": "root"}
            tokens = Tokens(**b.refresh(tokens.refresh).json())
            assert a.knows(tokens, freshness)
            assert b.post("api/logout/", {"refresh": tokens.refresh}).status_code == 200
            for site in (a, b) if freshness != "expiry" else ():
                assert eventually(partial(refuses, site, tokens, freshness))
        a.http.close()
        b.http.close()


def refuses(site: Site, tokens: Tokens, freshness: str) -> bool:
    return not site.knows(tokens, freshness)


def test_shared_users_need_no_tenants_issuer(project: Project) -> None:
    assert "ratchet." not in project.run("check")
