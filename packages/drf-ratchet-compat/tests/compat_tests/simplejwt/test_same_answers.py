"""The same HTTP calls to simplejwt and to us: bodies, codes and headers, field by field."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from compat_tests.simplejwt.project_copy import OURS, THEIRS, copy_project

pytestmark = [pytest.mark.any_database, pytest.mark.starts, pytest.mark.full]

CALLS = Path(__file__).with_name("calls.py")

#: Each call that is answered differently: our status, and why.
DIFFER = {
    "sign in, sliding": (200, "to us a sliding token is an access token of a session"),
    "refresh, sliding": (200, "to us a sliding token is an access token of a session"),
    "sign in: objects": (400, "the account's name is refused before the other fields are read"),
    "sign in: text": (415, "what a client puts into the Content-Type is not repeated"),
    "refresh, deleted": (401, "simplejwt answers 500"),
}
#: simplejwt looks into its blacklist here only with BLACKLIST_AFTER_ROTATION.
WITHOUT_BLACKLIST = {"verify blacklisted": (400, "a logout counts, whatever the settings say")}

ROTATES = {"ROTATE_REFRESH_TOKENS": True, "BLACKLIST_AFTER_ROTATION": True}


@pytest.mark.parametrize(
    ("settings", "differ"),
    [
        pytest.param({}, DIFFER | WITHOUT_BLACKLIST, id="as it comes"),
        pytest.param(
            {**ROTATES, "CHECK_REVOKE_TOKEN": True, "UPDATE_LAST_LOGIN": True},
            DIFFER,
            id="rotating",
        ),
    ],
)
def test_the_same_answers(
    settings: dict[str, Any], differ: dict[str, tuple[int, str]], tmp_path: Path
) -> None:
    def answers(package: str) -> Any:
        return copy_project(tmp_path / package, package, settings=settings).converse(CALLS)

    with ThreadPoolExecutor(2) as threads:
        theirs, ours = threads.map(answers, (THEIRS, OURS))
    assert len(theirs) >= 90
    assert theirs.keys() == ours.keys()
    different = {name: ours[name]["status"] for name in theirs if theirs[name] != ours[name]}
    assert different == {name: status for name, (status, _) in differ.items()}
    assert not any(answer["status"] >= 500 for answer in ours.values())
