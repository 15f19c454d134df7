"""The tests of a project that has moved in: its settings want a process of their own."""

from pathlib import Path

from tests.in_its_own_process import ROOT, run_tests

INSIDE = Path(__file__).with_name("inside")


def test_inside() -> None:
    files = [str(file.relative_to(ROOT)) for file in sorted(INSIDE.glob("with_*.py"))]
    assert len(files) == 3
    run_tests("compat_tests.simplejwt.settings", *files)
