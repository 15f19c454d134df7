"""The shapes of projects, as data. A new one is an entry of ``SHAPES``.

Nothing here needs Django: a shape is read before the settings are there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

Said = dict[str, Any]

FEED_INTERVAL = timedelta(milliseconds=20)
SERVICES = {"billing": "the secret of billing, for the tests alone"}

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
        urls: the URL configuration.
        route: what stands before ``api/`` there, as a route.
        namespace: of the URLs, and their application's name.
        suffix: behind each path in place of its last slash.
        i18n: whether the URLs are in ``i18n_patterns``.
        prefix: what a client writes for ``route``.
        stripped: the part of the path that a proxy in front takes away.
        host: where a client finds it.
        headers: that a client of such a project always sends.
        username: what people are called by, out of a short name.
        says: makes the contract's body out of one of this project's, given the status.
        translates: makes a name in a body out of the contract's.
        anonymous: the status of a request without a token.
        warns: ids of ours that ``check`` reports.
        warns_of_deployment: and those that ``check --deploy`` adds.
        refuses: the id of an error with which ``check`` refuses such a project: no story then.
        failures: wrong passwords for one account, before a network is shut out.
        locked_by: the package that shuts it out, where that is another one.
        inside: the path of a context manager, given a host: where its tenant's tables are.
        prepare: the path of what makes the tables, given the shape; for "migrate" in each database.
        without: steps that such a project cannot have, each with the reason.
        also: steps that only such a project has.
        costs: statements in the place of ``story.COSTS``.
        logs: texts of records at ERROR that are right here.
        then: settings with which it is deployed anew in the middle of the story.
    """

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
    urls: str = "tests.projects.urls"
    route: str = ""
    namespace: str = ""
    suffix: str = ""
    i18n: bool = False
    prefix: str = "/"
    stripped: str = ""
    host: str = "localhost"
    headers: Mapping[str, str] = field(default_factory=dict)
    username: Callable[[str], Any] = str
    says: Callable[[int, Any], Any] = lambda status, body: body
    translates: Callable[[str], str] = str
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
    costs: Mapping[str, Any] = field(default_factory=dict)
    logs: tuple[str, ...] = ()
    then: Mapping[str, Any] = field(default_factory=dict)


SHAPES: dict[str, Shape] = {
    "startproject": Shape(
        base={},
        warns_of_deployment=frozenset({"ratchet.W006", "ratchet.W009", "ratchet.E007"}),
    ),
}
