"""The charts and the tables of docs/benchmarks.md and the README, out of benchmarks/results.

    python benchmarks/charts.py

It measures nothing, and needs nothing but Python: the charts are SVG, written here.
"""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
IMAGES = ROOT / "docs" / "images"
PAGE = ROOT / "docs" / "benchmarks.md"
README = ROOT / "README.md"

Spread = Mapping[str, float]
WIDTH, LABELS, BAR, GAP, TOP = 760, 250, 20, 12, 64
OURS, THEIRS, NEUTRAL = "#0b6e4f", "#7a8793", "#b9c2ca"


def main() -> int:
    results = {file.stem: json.loads(file.read_text()) for file in sorted(RESULTS.glob("*.json"))}
    IMAGES.mkdir(parents=True, exist_ok=True)
    for name, draw in CHARTS.items():
        if (source := name.partition("-")[0]) in results:
            (IMAGES / f"bench-{name}.svg").write_text(draw(results[source]))
    for page in (PAGE, README):
        page.write_text(with_tables(page.read_text(), results))
    return 0


def chart(title: str, unit: str, bars: Mapping[str, Spread], *, log: bool = False) -> str:
    """Horizontal bars of the medians, each with a line from its least to its most.

    Args:
        title: what it shows.
        unit: of the values.
        bars: by name, in the order to draw.
        log: whether the axis is logarithmic.
    """
    most = max(spread["max"] for spread in bars.values())
    least = min(spread["min"] for spread in bars.values())
    room = WIDTH - LABELS - 90
    low = 10 ** math.floor(math.log10(least)) if log else 0.0

    def place(value: float) -> float:
        if log:
            return room * math.log10(value / low) / math.log10(most / low)
        return room * value / most

    height = TOP + len(bars) * (BAR + GAP) + 34
    axis = f"{unit}, logarithmic" if log else unit
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'font-family="system-ui, sans-serif" font-size="13">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
        f'<text x="16" y="26" font-size="16" font-weight="600" fill="#1b2733">'
        f"{escape(title)}</text>",
        f'<text x="16" y="46" fill="#5b6773">{escape(axis)}; bars: median; lines: least to most'
        "</text>",
    ]
    for number, (name, spread) in enumerate(bars.items()):
        y = TOP + number * (BAR + GAP)
        length = max(place(spread["median"]), 1.0)
        from_x, to_x = (LABELS + place(spread[end]) for end in ("min", "max"))
        middle = y + BAR / 2
        parts += [
            f'<text x="{LABELS - 10}" y="{middle + 4.5:.1f}" text-anchor="end" fill="#1b2733">'
            f"{escape(name)}</text>",
            f'<rect x="{LABELS}" y="{y}" width="{length:.1f}" height="{BAR}" rx="2" '
            f'fill="{_colour(name)}"/>',
            f'<path d="M{from_x:.1f} {middle}H{to_x:.1f}" stroke="#1b2733" stroke-width="1.5"/>',
            f'<text x="{max(LABELS + length, to_x) + 8:.1f}" y="{middle + 4.5:.1f}" '
            f'fill="#1b2733">{_number(spread["median"])}</text>',
        ]
    parts.append("</svg>\n")
    return "\n".join(parts)


def _colour(name: str) -> str:
    if name.startswith("drf-ratchet") or name.endswith(("again", "first time")):
        return OURS
    return NEUTRAL if name.startswith(("a bare", "authenticate()")) else THEIRS


def _throughput(result: dict[str, Any]) -> str:
    return chart("Requests per second of a real server", "per second", result["per_second"])


def _plain(title: str, *, log: bool = False) -> Callable[[dict[str, Any]], str]:
    def draw(result: dict[str, Any]) -> str:
        return chart(title, result["unit"], result["times"], log=log)

    return draw


CHARTS = {
    "authenticated": _plain("An authenticated request", log=True),
    "refreshing": _plain("A refresh, with rotation"),
    "signing_in": _plain("A sign-in (password hash of one iteration)"),
    "verifying": _plain("Verifying an access token", log=True),
    "throughput": _throughput,
}


def with_tables(page: str, results: Mapping[str, dict[str, Any]]) -> str:
    """The page with what stands between its markers written anew."""

    def fill(found: re.Match[str]) -> str:
        kind, _, name = found["what"].partition(" ")
        made = TABLES[kind](results, name)
        return f"<!-- {found['what']} -->\n{made}\n<!-- end -->"

    kinds = "|".join(TABLES)
    marked = rf"<!-- (?P<what>(?:{kinds})[^>]*?) -->.*?<!-- end -->"
    return re.sub(marked, fill, page, flags=re.S)


def _targets(results: Mapping[str, dict[str, Any]], names: str) -> str:
    head = ["claim", "min", "median", "max", "target", "met"]
    rows = [
        [
            claim["what"],
            *(_number(claim["measured"][each]) for each in ("min", "median", "max")),
            f"{'≥' if claim['at_least'] else '≤'} {_number(claim['target'])}",
            "yes" if claim["met"] else "**no**",
        ]
        for name in names.split()
        for claim in results.get(name, {"claims": []})["claims"]
    ]
    return _table(head, rows) if rows else "*Not measured yet.*"


def _times(results: Mapping[str, dict[str, Any]], name: str) -> str:
    if name not in results:
        return "*Not measured yet.*"
    result = results[name]
    rows = [
        [who, *(_number(values[each]) for each in ("min", "median", "max"))]
        for who, values in result["times"].items()
    ]
    return _table([result["unit"], "min", "median", "max"], rows)


def _machine(results: Mapping[str, dict[str, Any]], name: str) -> str:
    if name not in results:
        return "*Not measured yet.*"
    at = results[name]["circumstances"]
    packages = ", ".join(f"{package} {each}" for package, each in at["packages"].items())
    return (
        f"{at['date']}, {at['machine']}, {at['cores']} cores, Python {at['python']}, "
        f"PostgreSQL {at.get('postgresql', '–')}; {packages}."
    )


def _beside(results: Mapping[str, dict[str, Any]], peer: str) -> str:
    """The README's few rows: medians, and what is counted, ours beside one peer's."""
    requests, refreshes, logins = (
        results[name] for name in ("authenticated", "refreshing", "signing_in")
    )

    def request(way: str) -> str:
        return f"{_median(requests, way)}, {_counted(requests['queries'][way], 'query', 'queries')}"

    def refresh(way: str) -> str:
        statements = _counted(refreshes["round_trips"][way], "statement")
        rows = _counted(refreshes["rows"][way], "row")
        return f"{_median(refreshes, way)}, {statements}, {rows}"

    ours = "drf-ratchet"
    version = requests["circumstances"]["packages"][peer]
    rows = [
        ["a request; a logout counts at once", request(f"{ours}, immediate"), "–"],
        ["… within a second", request(f"{ours}, bounded"), "–"],
        ["… when the token expires", request(f"{ours}, expiry"), request(peer)],
        ["a refresh, with rotation", refresh(ours), refresh(peer)],
        ["a sign-in, but for the password's hash", _median(logins, ours), _median(logins, peer)],
        ["a view without any of this", _median(requests, "a bare view"), ""],
    ]
    return _table(["", ours, f"{peer} {version}"], rows)


def _median(result: dict[str, Any], way: str) -> str:
    return f"{_number(result['times'][way]['median'])} {result['unit']}"


def _counted(count: float, one: str, more: str = "") -> str:
    return f"{_number(count)} {one if count == 1 else more or f'{one}s'}"


TABLES = {"targets": _targets, "times": _times, "machine": _machine, "beside": _beside}


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [list(head), ["---", *["---:"] * (len(head) - 1)], *map(list, rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _number(value: float) -> str:
    if value == int(value):
        return f"{int(value):,}"
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2 if abs(value) >= 0.1 else 4
    return f"{value:,.{digits}f}"


if __name__ == "__main__":
    sys.exit(main())
