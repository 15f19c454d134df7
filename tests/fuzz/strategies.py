"""What Hypothesis sends: mutations of good inputs, structures of the right shape, and noise."""

import json
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.fuzz.target import Target
from tests.fuzz.words import LONG_WORDS, WORDS

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=20)  # surrogates too
NUMBER = st.integers(-(2**70), 2**70) | st.floats()  # NaN too: json.dumps writes it
JSON = st.recursive(
    st.none() | st.booleans() | NUMBER | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=6,
)
WORD = st.sampled_from(WORDS)
LONG_WORD = st.sampled_from(LONG_WORDS)
CLAIM = st.sampled_from(
    ["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "sid", "gen", "auth_time", "token_type"]
)
HEADER_NAME = st.sampled_from(["alg", "typ", "kid", "crit", "b64", "jwk", "jku", "zip"])
FIELD = st.sampled_from(["username", "password", "refresh", "token"])


@st.composite
def mutated(draw: st.DrawFn, seeds: Sequence[bytes]) -> bytes:
    """A good input with a few places cut out, or overwritten by a word or by noise."""
    data = draw(st.sampled_from(seeds))
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(data)))
        cut = draw(st.sampled_from([0, 0, 1, 1, 2, 4, 16, 64]))
        data = data[:place] + draw(WORD | st.binary(max_size=3)) + data[place + cut :]
    return data


def changed(seeds: Sequence[bytes], name: SearchStrategy[str]) -> SearchStrategy[bytes]:
    """A good JSON object with other values under some of its names."""
    objects = [value for value in map(_object, seeds) if value]
    return st.builds(
        lambda value, changes: json.dumps(value | changes).encode(),
        st.sampled_from(objects or [{}]),
        st.dictionaries(name, JSON | WORD.map(lambda word: word.decode("latin-1")), max_size=3),
    )


def inputs(target: Target) -> SearchStrategy[bytes]:
    """The inputs for a target."""
    return st.one_of(
        mutated(target.seeds),
        mutated(target.seeds),
        _shaped(target),
        _shaped(target),
        st.binary(max_size=200),
        LONG_WORD,
    )


def _shaped(target: Target) -> SearchStrategy[bytes]:
    if target.shape == "claims":
        lead = st.binary(min_size=2, max_size=2) if target.name == "pyjwt" else st.just(b"")
        seeds = [seed[2:] for seed in target.seeds] if target.name == "pyjwt" else target.seeds
        return st.tuples(lead, changed(seeds, CLAIM)).map(b"".join)
    if target.shape == "header":
        return changed(target.seeds, HEADER_NAME)
    if target.shape == "authorization":
        return st.lists(WORD | st.binary(max_size=8), max_size=4).map(b" ".join)
    if target.shape == "token":
        segments = [part for seed in target.seeds for part in seed.split(b".")]
        segment = st.sampled_from(segments) | mutated(segments) | st.binary(max_size=8)
        return st.lists(segment, max_size=5).map(b".".join)
    return _request(target)


def _request(target: Target) -> SearchStrategy[bytes]:
    """The lines of `endpoint_targets.endpoint`."""
    seeds = [seed.split(b"\n", 3) for seed in target.seeds]
    kind, key, bearer, body = (
        st.sampled_from([seed[line] for seed in seeds[:3]]) for line in range(4)
    )
    field_values = changed([seed[3] for seed in seeds], FIELD)
    return st.tuples(
        kind | mutated([seed[0] for seed in seeds[:3]]),
        key | st.binary(max_size=4) | st.just(b""),
        bearer | mutated([seeds[0][2]]) | st.just(b""),
        body | field_values | field_values | JSON.map(lambda value: json.dumps(value).encode()),
    ).map(b"\n".join)


def _object(raw: bytes) -> dict[str, Any]:
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
