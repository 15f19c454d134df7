"""The README's curl session, line by line: each command prints what the README says it prints."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from tests import console
from tests.fixtures import PASSWORD

pytestmark = [pytest.mark.any_database, pytest.mark.starts]

MARK = "<!-- tested by tests/test_readme.py -->"


@pytest.mark.django_db(transaction=True)
def test_the_session(live_server: Any, tmp_path: Path) -> None:
    User.objects.create_user("alice", password=PASSWORD)
    text = console.marked((console.ROOT / "README.md").read_text(), MARK)
    languages, blocks = zip(*console.blocks(text), strict=True)
    assert set(languages) == {"console"}
    steps = [step for block in blocks for step in console.steps_of(block)]
    assert len(steps) > 10
    console.run(steps, tmp_path, replaced=[("http://127.0.0.1:8000", live_server.url)])
