"""Eight tabs of one browser that all use the API."""

import math
import os
from collections import Counter
from collections.abc import Callable

import pytest

from tests.chromium.served import Demo
from tests.chromium.visitor import Visitor, expect_user

pytestmark = [pytest.mark.any_database, pytest.mark.full, pytest.mark.starts]

TABS = 8
LIFETIME = 5
# The client renews when a fifth of the lifetime is left, so that no request arrives too late.
USED_FOR = LIFETIME * 4 / 5
SECONDS = int(os.environ.get("RATCHET_TABS_SECONDS", "12"))

USE_THE_API = """(seconds) => {
    const end = Date.now() + seconds * 1000;
    window.done = (async () => {
        const { createClient } = await import("/static/drf-ratchet/ratchet.js");
        const client = createClient({ baseUrl: "/api/" });
        let signOuts = 0;
        client.onChange((session) => (signOuts += session === null));
        const statuses = [];
        while (Date.now() < end) {
            statuses.push((await client.fetch("/api/protected/")).status);
            await new Promise((resolve) => setTimeout(resolve, 400 + Math.random() * 200));
        }
        return { statuses, signOuts, user: client.session?.claims.username };
    })();
}"""


def test_eight_tabs_refresh_once_per_lifetime(
    serve: Callable[..., Demo], visit: Callable[..., Visitor], show: Callable[[str], None]
) -> None:
    demo = serve(options={"ACCESS_TOKEN_LIFETIME": LIFETIME})
    visitor = visit(demo)
    # A request may take longer than a fifth of five seconds where other tests run beside it. The
    # client then refreshes and sends it again: what counts is the answer in the end.
    visitor.expected.add(401)
    tabs = [visitor.signed_in(), *(visitor.open() for _ in range(TABS - 1))]
    for page in tabs:
        expect_user(page, "alice")
    before = visitor.refreshes()

    for page in tabs:
        page.evaluate(USE_THE_API, SECONDS)
    done = [page.evaluate("window.done") for page in tabs]

    refreshes = visitor.refreshes() - before
    statuses = Counter(status for one in done for status in one["statuses"])
    lifetimes = SECONDS / USED_FOR
    show(
        f"{TABS} tabs, {SECONDS} s, access tokens of {LIFETIME} s used for {USED_FOR:g} s:"
        f" {lifetimes:.1f} lifetimes, {refreshes} refreshes, {statuses.total()} requests"
    )
    assert set(statuses) == {200}
    # Each tab has been at it all the while.
    assert min(len(one["statuses"]) for one in done) > SECONDS / 2
    assert math.floor(SECONDS / LIFETIME) <= refreshes <= math.ceil(lifetimes) + 1
    assert set(visitor.statuses("/api/browser/refresh/")) == {200}
    assert [(one["signOuts"], one["user"]) for one in done] == [(0, "alice")] * TABS
    for page in tabs:
        expect_user(page, "alice")
    (row,) = demo.sessions()
    assert row["ended_at"] is None
    assert row["generation"] == 1 + visitor.refreshes()
