"""The story that every shape tells. ``stages.py`` runs each stage in a process of its own.

Tokens of plain simplejwt; the line; the way back; plain simplejwt; the line again. At every moment
each token is answered as the table in docs/migrating.md says.
"""

import sys
from datetime import timedelta
from importlib.util import find_spec
from typing import Any

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.contrib.auth.signals import user_logged_out  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connections  # noqa: E402
from django.db.models import F  # noqa: E402

from compat_tests.simplejwt.shapes.teller import Teller, Tokens  # noqa: E402


def before(project: Teller) -> None:
    """Plain simplejwt: tokens that live, were rotated, used, revoked, and have expired."""
    for name in ("living", "stolen", "by_endpoint", "by_hand", "for_later"):
        project.kept[name] = [project.sign_in(name)]
    if project.lists:
        first = project.sign_in("rotated")
        project.kept["rotated"] = [project.refresh(first)]
        revoked = project.sign_in("revoked")
        assert project.log_out(revoked, "/token/blacklist/") == 200
        project.kept["refused"] = [first, revoked]
    else:
        project.kept.update(rotated=[project.refresh(project.sign_in("rotated"))], refused=[])
    project.kept["expired"] = [project.expired("expired")]
    demand_valid(project, *tokens_of(project, "living", "rotated", "for_later"))
    demand_refused(project, *tokens_of(project, "refused"))


def inside(project: Teller) -> None:
    """The line: the counter decides."""
    demand_valid(project, *tokens_of(project, "living", "rotated", "stolen", "by_endpoint"))
    demand_refused(project, *tokens_of(project, "refused"))
    demand_expired(project)

    living = project.kept["living"][0]
    project.kept["living"] = [rotate_and_reject(project, living)]
    project.kept["rotated"] = [rotate_and_reject(project, project.kept["rotated"][0])]
    project.kept["fresh"] = [rotate_and_reject(project, project.sign_in("fresh"))]

    stolen = project.kept["stolen"][0]
    newer = project.refresh(project.refresh(stolen))
    assert project.refuses(stolen)
    demand_ended(project, newer)

    paths = {"by_endpoint": "/token/blacklist/", "by_hand": "/logout/"}
    for name, path in paths.items() if project.lists else [("by_endpoint", "/token/blacklist/")]:
        old = project.kept[name][0]
        for first in (old, project.sign_in(f"{name} with the line")):
            previous = project.refresh(first)
            newest = project.refresh(previous)
            assert project.log_out(newest, path) == 200, path
            demand_ended(project, newest)
            assert not project.signed_in(previous)
            assert project.log_out(previous, "/token/blacklist/") == 200
            demand_refused(project, first, previous)


def draining(project: Teller) -> None:
    """The way back: what the counter refuses is in simplejwt's blacklist too."""
    used = []
    for name in ("living", "rotated", "fresh", "for_later"):
        tokens = project.kept[name][0]
        for _ in range(2):
            used.append(tokens)
            tokens = project.refresh(tokens)
        project.kept[name] = [tokens]
        demand_valid(project, tokens)
        assert project.signed_in(tokens)
    ended = []
    for name, end in (("out", log_out), ("device", end_device), ("thief", reuse)):
        first = project.sign_in(f"{name} on the way back")
        newer = project.refresh(first)
        end(project, first, newer)
        demand_ended(project, newer)
        ended += [first, newer]
    project.kept["gone"] = [*used, *ended]


def outside(project: Teller) -> None:
    """Plain simplejwt again: what was refused stays refused, and nobody is signed out."""
    if project.lists:
        demand_refused(project, *tokens_of(project, "refused", "gone"))
    demand_expired(project)
    for name in ("living", "rotated", "fresh", "for_later"):
        tokens = project.kept[name][0]
        demand_valid(project, tokens)
        assert project.signed_in(tokens)
        project.kept["gone"].append(tokens)
        project.kept[name] = [project.refresh(tokens)]
        assert project.refuses(tokens) is project.lists


def again(project: Teller) -> None:
    """The line again."""
    demand_expired(project)
    for name in ("living", "rotated", "fresh", "for_later"):
        tokens = project.kept[name][0]
        demand_valid(project, tokens)
        assert project.signed_in(tokens)
        newest = rotate_and_reject(project, tokens)
        assert project.log_out(newest, "/token/blacklist/") == 200
        demand_ended(project, newest)
    # Last: to send a used token ends its session.
    if project.lists:
        demand_refused(project, *tokens_of(project, "refused", "gone"))


# What is asked of tokens


def tokens_of(project: Teller, *names: str) -> list[Tokens]:
    return [tokens for name in names for tokens in project.kept[name]]


def demand_valid(project: Teller, *found: Tokens) -> None:
    """Every reader takes the tokens."""
    for tokens in found:
        assert project.by_hand(tokens.refresh), project.claims(tokens)
        assert project.verifies(tokens.refresh), project.claims(tokens)
        assert project.verifies(tokens.access)
        assert project.signed_in(tokens)


def demand_refused(project: Teller, *found: Tokens) -> None:
    """No reader takes the refresh tokens. The endpoint comes last: it may end their session."""
    for number, tokens in enumerate(found):
        assert not project.by_hand(tokens.refresh), (number, project.claims(tokens))
        assert not project.verifies(tokens.refresh), (number, project.claims(tokens))
        assert project.refuses(tokens), (number, project.claims(tokens))


def demand_expired(project: Teller) -> None:
    """No reader takes a token that has expired."""
    demand_refused(project, *tokens_of(project, "expired"))
    assert not project.signed_in(project.kept["expired"][0])


def demand_ended(project: Teller, tokens: Tokens) -> None:
    """The session has ended, with its access tokens."""
    demand_refused(project, tokens)
    assert not project.signed_in(tokens)
    assert not project.verifies(tokens.access)


def rotate_and_reject(project: Teller, first: Tokens) -> Tokens:
    """Rotate twice; a used token is refused by hand, which ends nothing."""
    second = project.refresh(first)
    assert project.same(project.refresh(first), second)
    demand_valid(project, first, second)
    third = project.refresh(second)
    assert not project.by_hand(first.refresh)
    assert not project.verifies(first.refresh)
    demand_valid(project, third)
    past_grace()
    assert not project.by_hand(second.refresh)
    demand_valid(project, third)
    return third


def past_grace() -> None:
    """Make all last refreshes old."""
    from drf_ratchet.models import Session

    Session.objects.update(rotated_at=F("rotated_at") - timedelta(minutes=1))


# How sessions end on the way back


def log_out(project: Teller, first: Tokens, newer: Tokens) -> None:
    assert project.log_out(newer, "/token/blacklist/") == 200


def end_device(project: Teller, first: Tokens, newer: Tokens) -> None:
    from drf_ratchet.models import Session
    from drf_ratchet.sessions import end_session

    bound = project.claims(newer)["drf_ratchet"]
    assert end_session(Session.objects.get(pk=bound["sid"]))


def reuse(project: Teller, first: Tokens, newer: Tokens) -> None:
    past_grace()
    assert project.refuses(first)


def demand_request(request: Any = None, **kwargs: Any) -> None:
    """Receivers of ``user_logged_out`` read the request: django-axes does."""
    assert request is not None


STAGES = {
    "before": (before, Teller.before),
    "inside": (inside, Teller.inside),
    "draining": (draining, Teller.draining),
    "outside": (outside, Teller.outside),
    "again": (again, Teller.again),
}


def main(stage: str) -> None:
    """Tell one stage.

    Args:
        stage: its name.
    """
    kind = Teller
    if find_spec("own") is not None:
        from own import Own as kind  # type: ignore[import-not-found, no-redef]
    user_logged_out.connect(demand_request)
    if stage == "before" and kind.models:
        call_command("makemigrations", *kind.models, verbosity=0)
    for database in {"before": settings.DATABASES, "inside": ["default"]}.get(stage, ()):
        call_command("migrate", database=database, verbosity=0)
    connections.close_all()
    project = kind()
    common, of_the_shape = STAGES[stage]
    common(project)
    getattr(project, of_the_shape.__name__)()
    project.leave()


if __name__ == "__main__":
    main(sys.argv[1])
