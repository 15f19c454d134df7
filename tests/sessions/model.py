"""A model of everybody who uses one session: a world, and the steps that can be taken in it.

A world is the row, the owner's tabs with the token they share, and the requests on their way. A
refresh is the steps it is in truth: sent; read and decided (by the real ``rotation.decide``);
written if the row is still as it was read, else read again; answered; delivered or lost. Anything
may happen between any two of them.

Time is counted in ticks of half a grace period, so that of three moments the first and the last can
be too far apart while each is near to the next. Only ages up to the grace period matter, and only
how far tokens are from the row: ``canonical`` makes worlds that differ in nothing else equal, which
leaves so few that a search can end by itself, and then holds for any number of steps.

The thief knows every token ever signed, which is more than any thief does: what holds against
this one holds against those who must copy a token first.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import NamedTuple

from drf_ratchet.sessions import rotation
from drf_ratchet.sessions.rotation import Decision, SessionState

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TICK = timedelta(seconds=5)
GRACE = 2  # ticks
#: Where the counter of a canonical world stands, and the oldest token that is told from others.
#: Restores go back by up to two, and from one behind those are all the same: used long ago.
BASE, OLDEST = 10, 5

OWNERS_KEY, KEY_CHOSEN_AGAIN, THIEFS_KEY, NO_KEY = "owner's", "owner's other", "thief's", ""


class Row(NamedTuple):
    """What the database holds; ``age`` is that of the last turn, ``key`` came with it."""

    generation: int
    key: str = NO_KEY
    age: int = GRACE
    ended: bool = False


class Request(NamedTuple):
    """A refresh on its way.

    ``result`` is the generation to turn to, or handed out; ``read`` the row's when it was read,
    and ``age`` that of the read.
    """

    stage: str  # idle, sent, again (a race was lost), turn, end, answer
    generation: int = 0
    key: str = NO_KEY
    result: int = 0
    read: int = 0
    age: int = 0


class Use(NamedTuple):
    """An answer that somebody got for a token."""

    who: str
    key: str
    generation: int
    age: int = 0


IDLE = Request("idle")


class World(NamedTuple):
    """Everything there is. ``used`` says who got an answer for the token last turned."""

    row: Row
    stored: int
    stored_key: str
    tabs: tuple[Request, ...]
    thief: Request = IDLE
    newest: int = BASE
    used: frozenset[Use] = frozenset()
    past: tuple[Row, ...] = ()
    ended_once: bool = False
    restored: bool = False


@dataclass(frozen=True, kw_only=True)
class Variant:
    """Who takes part, and by which rule."""

    tabs: int = 2
    owners_key: str = OWNERS_KEY
    #: False: a late answer overwrites a newer token, for which a key is chosen again.
    stores_in_order: bool = True
    thiefs_keys: tuple[str, ...] = ()
    logout: bool = True
    #: "": none; "turns": back before the last one or two turns; "ending": also before the end.
    restore: str = ""
    #: Ignore what comes after two further turns: at "each read", or only when it "arrives".
    in_time: str = ""
    decide: Callable[..., Decision] = rotation.decide
    compare_and_set: bool = True


#: A step: its name, the world after it, and what it violates.
Step = tuple[str, World, tuple[str, ...]]


def first_world(variant: Variant) -> World:
    """Just signed in: nobody has refreshed yet."""
    return canonical(World(Row(BASE), BASE, variant.owners_key, (IDLE,) * variant.tabs))


def steps(world: World, variant: Variant) -> Iterator[Step]:
    """Everything that can happen next."""
    row = world.row
    yield "tick", _older(world), ()
    if variant.logout and not row.ended:
        yield "logout", _end(world, variant), ()
    if not world.restored and (variant.restore == "ending" or (variant.restore and not row.ended)):
        for back, old in enumerate(reversed(world.past), 1):
            yield f"restore {back}", world._replace(row=old, past=(), restored=True), ()
    for i, tab in enumerate(world.tabs):
        if tab in world.tabs[:i]:
            continue  # tabs are alike
        for label, after, request, wrong in _owners_steps(world, tab, variant):
            tabs = (*world.tabs[:i], request, *world.tabs[i + 1 :])
            yield f"tab {label}", after._replace(tabs=tabs), wrong
    if world.thief is not IDLE:
        label, after, request, wrong = _server(world, world.thief, "thief", variant)
        yield label, after._replace(thief=_thiefs(request)), wrong
    elif variant.thiefs_keys:
        for generation in range(max(row.generation - 2, OLDEST), world.newest + 1):
            for key in variant.thiefs_keys:
                sent = Request("sent", generation, key)
                label, after, request, wrong = _server(world, sent, "thief", variant)
                yield label, after._replace(thief=_thiefs(request)), wrong


_Advance = tuple[str, World, Request, tuple[str, ...]]


def _owners_steps(world: World, tab: Request, variant: Variant) -> Iterator[_Advance]:
    if tab.stage == "idle":
        yield "sends", world, Request("sent", world.stored, world.stored_key), ()
    elif tab.stage == "answer":
        yield f"gets {tab.result - BASE:+}", _store(world, tab, variant), IDLE, ()
        yield "loses the answer", world, IDLE, ()
        yield "loses the answer, retries", world, Request("sent", tab.generation, tab.key), ()
    else:
        late = world.row.generation - tab.generation >= 2
        if late and tab.stage in {"each read": ("sent", "again"), "arrives": ("sent",)}.get(
            variant.in_time, ()
        ):
            return
        yield _server(world, tab, "owner", variant)


def _store(world: World, answer: Request, variant: Variant) -> World:
    """The answer arrives in the storage that the tabs share."""
    if variant.stores_in_order:
        in_order = answer.generation == world.stored
        return world._replace(stored=answer.result) if in_order else world
    if answer.result == world.stored:
        return world
    came_back = answer.result < world.stored
    key = KEY_CHOSEN_AGAIN if came_back else variant.owners_key
    return world._replace(stored=answer.result, stored_key=key)


def _server(world: World, request: Request, who: str, variant: Variant) -> _Advance:
    """One step of a request at the server: a read with its decision, or a write."""
    row, (stage, generation, key, result, read, age) = world.row, request
    name = f"{who} {generation - BASE:+} {key or 'no'} key: "
    if stage == "end":
        return name + "ends", _end(world, variant), IDLE, ()
    if stage == "turn":
        if variant.compare_and_set and (row.generation != read or row.ended):
            return name + "lost race", world, Request("again", generation, key), ()
        after = world._replace(
            row=Row(result, key, age, row.ended),
            newest=max(world.newest, result),
            used=_used(world, Use(who, key, generation, age), variant),
            past=_kept(world, variant),
        )
        wrong = _wrong_with_answer(world, after, generation, result)
        wrong += _wrong_with_sharing(world, Use(who, key, generation, age))
        if result <= row.generation:
            wrong += ("the counter went back",)
        return name + "turns", after, Request("answer", generation, key, result), wrong
    decision = _ruling(variant.decide, row, generation - row.generation, key)
    name += decision.outcome
    result = row.generation + decision.generation - BASE
    if decision.advances:
        return name, world, Request("turn", generation, key, result, row.generation), ()
    if decision.reason is not None:
        wrong = ()
        if not row.ended:
            wrong = ("the owner is logged out",) if who == "owner" else ()
            wrong += () if decision.ending else ("refused and not ended",)
        return name, world, Request("end") if decision.ending else IDLE, wrong
    wrong = _wrong_with_answer(world, world, generation, result)
    wrong += _wrong_with_sharing(world, Use(who, key, generation))
    after = world._replace(used=_used(world, Use(who, key, generation), variant))
    return name, after, Request("answer", generation, key, result), wrong


def _used(world: World, use: Use, variant: Variant) -> frozenset[Use]:
    """Remember an answer, if there is a thief; of like ones the oldest."""
    if not variant.thiefs_keys:
        return world.used
    same_token = {it for it in world.used if it.generation == use.generation}
    if any(it[:3] == use[:3] for it in same_token):
        return frozenset(same_token)
    return frozenset(same_token | {use})


def _wrong_with_answer(
    before: World, after: World, generation: int, handed_out: int
) -> tuple[str, ...]:
    wrong = ()
    if handed_out != generation + 1 or handed_out != after.row.generation:
        wrong += ("not the one next token",)
    if before.ended_once:
        wrong += ("an ended session came back",)
    return wrong


def _wrong_with_sharing(world: World, use: Use) -> tuple[str, ...]:
    """Whether the other holder got an answer for the same token a grace period ago or longer."""
    wrong = set()
    for it in world.used:
        together = it.age - use.age < GRACE or (use.key and use.key == it.key)
        if it.who != use.who and it.generation == use.generation and not together:
            wrong.add("shared for longer than the grace period")
            if not use.key or use.key != world.row.key:
                wrong.add("shared for longer, without the turn's key")
    return tuple(sorted(wrong))


@cache
def _ruling(decide: Callable[..., Decision], row: Row, ahead: int, key: str) -> Decision:
    """The decision for a token so far ahead of the row; the row is taken to be at BASE."""
    state = SessionState(
        generation=BASE,
        rotates=True,
        rotated_at=NOW - row.age * TICK,
        expires_at=NOW + timedelta(days=1),
        ended=row.ended,
        key_hash=row.key,
    )
    return decide(state, BASE + ahead, now=NOW, grace=GRACE * TICK, catch_up_limit=10, key_hash=key)


def _end(world: World, variant: Variant) -> World:
    """The ending's conditional update, which does nothing to what has ended."""
    if world.row.ended:
        return world
    row = world.row._replace(ended=True)
    return world._replace(row=row, past=_kept(world, variant), ended_once=True)


def _kept(world: World, variant: Variant) -> tuple[Row, ...]:
    """What a restore may bring back, once the row is written again."""
    return (*world.past, world.row)[-2:] if variant.restore and not world.restored else ()


def _thiefs(request: Request) -> Request:
    """The thief waits for no answer: every token is known already."""
    return IDLE if request.stage in ("answer", "idle") else request


def _older(world: World) -> World:
    def older(it: Row | Request | Use) -> Row | Request | Use:
        return it._replace(age=min(it.age + 1, GRACE))

    def aged(request: Request) -> Request:
        return older(request) if request.stage == "turn" else request

    return world._replace(
        row=older(world.row),
        tabs=tuple(map(aged, world.tabs)),
        thief=aged(world.thief),
        used=frozenset(map(older, world.used)),
        past=tuple(map(older, world.past)),
    )


def canonical(world: World) -> World:
    """The same world with its counter at BASE and its tabs in order."""
    shift = BASE - world.row.generation

    def moved(request: Request) -> Request:
        stage, generation, key, result, read, age = request
        if stage in ("idle", "end"):
            return request
        generation, result, read = (
            g and max(g + shift, OLDEST) for g in (generation, result, read)
        )
        return Request(stage, generation, key, result, read, age)

    tabs = tuple(sorted(map(moved, world.tabs)))
    if not shift:
        return world._replace(tabs=tabs)
    return world._replace(
        row=world.row._replace(generation=BASE),
        stored=max(world.stored + shift, OLDEST),
        tabs=tabs,
        thief=moved(world.thief),
        newest=world.newest + shift,
        used=frozenset(it._replace(generation=it.generation + shift) for it in world.used),
        past=tuple(it._replace(generation=it.generation + shift) for it in world.past),
    )
