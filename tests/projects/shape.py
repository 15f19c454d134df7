"""What a shape says of a project.

Nothing here needs Django: a shape is read before the settings are there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

FEED_INTERVAL = timedelta(milliseconds=20)
SERVICES = {"billing": "the secret of billing, for the tests alone"}

#: Views of the projects; all others are ours.
OWN = {"protected", "open", "me", "user", "recent", "password", "notes", "ask"}

#: What a project sets before it goes live.
LIVE = {
    "DEBUG": False,
    "ALLOWED_HOSTS": ["localhost", ".localhost"],
    "SECRET_KEY": "a key for the gauntlet alone: Tq3vZkX8_m2WcRy7LhPd5NsJf9BgUe",
    "SECURE_SSL_REDIRECT": True,
}


@dataclass(frozen=True, kw_only=True)
class Shape:
    """One kind of project: what its settings add to startproject's, and what follows for clients.

    Args:
        what: a sentence for the table in docs/support.md.
        base: settings that every live project has.
        settings: of Django, and of other packages; each replaces what was there.
        apps: added to ``INSTALLED_APPS``.
        first_middleware: put before startproject's.
        middleware: put after it.
        rest: added to ``REST_FRAMEWORK``.
        ratchet: added to ``DRF_RATCHET``.
        database: added to each entry of ``DATABASES``.
        aliases: of ``DATABASES``.
        databases: kinds of database that such a project may have.
        caches_at_valkey: whether its cache is a Valkey's.
        through_pgbouncer: whether its connections go through a pgbouncer, in transaction mode.
        asgi: whether its server speaks ASGI.
        route: what stands before ``api/`` in the URLs, as a route.
        namespace: of the URLs, and their application's name.
        suffix: behind each path in place of its last slash.
        i18n: whether the URLs are in ``i18n_patterns``.
        prefix: what a client writes for ``route``.
        query: behind each path.
        version: of the API that is described.
        stripped: the part of the path that a proxy in front takes away.
        host: where a client finds it.
        headers: that a client of such a project always sends.
        username: what people are called by, out of a short name.
        says: makes the contract's body out of one of this project's, given the status.
        anonymous: the status of the project's own views, where the contract has 401.
        warns: ids of ours that ``check`` reports.
        warns_of_deployment: and those that ``check --deploy`` adds.
        refuses: the id with which ``check`` refuses such a project, or warns: no story then.
        failures: wrong passwords for one account, before a network is shut out.
        locked_by: the package that shuts it out, where that is another one.
        inside: the path of a context manager, given a host: where its tenant's tables are.
        prepare: the path of what makes the tables, given the shape; for "migrate" in each database.
        without: steps that such a project cannot have, each with the reason.
        also: steps that only such a project has.
        proves: the path of a callable that returns a user's further credentials.
        costs: statements in the place of ``world.COSTS``.
        freshness: what its classes ask for, whatever ``FRESHNESS`` says.
        loads_users: whether the project's own view reads the user from the database.
        then: settings with which it is deployed anew in the middle of the story.
        access_survives: whether access tokens of before are good then.
        forwards: whether a proxy in front tells where a request comes from.
    """

    what: str
    base: Mapping[str, Any] = field(default_factory=lambda: LIVE)
    settings: Mapping[str, Any] = field(default_factory=dict)
    apps: tuple[str, ...] = ()
    first_middleware: tuple[str, ...] = ()
    middleware: tuple[str, ...] = ()
    rest: Mapping[str, Any] = field(default_factory=dict)
    ratchet: Mapping[str, Any] = field(default_factory=dict)
    database: Mapping[str, Any] = field(default_factory=dict)
    aliases: tuple[str, ...] = ("default",)
    databases: tuple[str, ...] = ("sqlite", "postgresql")
    caches_at_valkey: bool = False
    through_pgbouncer: bool = False
    asgi: bool = False
    route: str = ""
    namespace: str = ""
    suffix: str = ""
    i18n: bool = False
    prefix: str = "/"
    query: str = ""
    version: str = ""
    stripped: str = ""
    host: str = "localhost"
    headers: Mapping[str, str] = field(default_factory=dict)
    username: Callable[[str], Any] = str
    says: Callable[[int, Any], Any] = lambda status, body: body
    anonymous: int = 401
    warns: frozenset[str] = frozenset()
    warns_of_deployment: frozenset[str] = frozenset({"ratchet.W006"})
    refuses: str = ""
    failures: int = 20
    locked_by: str = ""
    inside: str = ""
    prepare: str = ""
    without: Mapping[str, str] = field(default_factory=dict)
    also: tuple[str, ...] = ()
    proves: str = ""
    costs: Mapping[str, Any] = field(default_factory=dict)
    freshness: str | None = None
    loads_users: bool = False
    then: Mapping[str, Any] = field(default_factory=dict)
    access_survives: bool = True
    forwards: bool = False
