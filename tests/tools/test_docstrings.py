"""The check of docstrings reports what it is for, and nothing else."""

from pathlib import Path

import pytest

from tools.docstrings import faults, files, main

pytestmark = pytest.mark.any_database


def found(source: str) -> list[str]:
    return [fault.partition(":")[0] for _, fault in faults(source)]


@pytest.mark.parametrize(
    "docstring",
    [
        "What the token says.",
        "Whether it is valid.",
        "Where it is kept.",
        "Who asks.",
        "How often.",
        "What, if anything, was sent.",
        "Two words.",
        "One",
        "",
    ],
)
def test_a_bad_beginning_is_reported_wherever_it_stands(docstring: str) -> None:
    assert found(f'"""{docstring}"""') == ["module"]
    assert found(f'class A:\n    """{docstring}"""') == ["A"]
    assert found(f'def f():\n    """{docstring}"""') == ["f"]
    assert found(f'async def f():\n    """{docstring}"""') == ["f"]
    assert found(f'class A:\n    def f(self):\n        """{docstring}"""') == ["A.f"]
    assert found(f'class A:\n    def __call__(self):\n        """{docstring}"""') == ["A.__call__"]
    assert found(f'try:\n    pass\nexcept E:\n    def f():\n        """{docstring}"""') == ["f"]
    assert found(f'if A:\n    pass\nelse:\n    def f():\n        """{docstring}"""') == ["f"]


@pytest.mark.parametrize(
    "source",
    [
        '"""Return the claims."""',
        '"""Whoever this is, refuse them."""',
        'def f():\n    """Return what the token says."""',
        'def _f():\n    """What it does."""',
        'class _A:\n    def f(self):\n        """What it does."""',
        'def f():\n    def g():\n        """What it does."""',
        "def f():\n    pass",
    ],
)
def test_nothing_else_is(source: str) -> None:
    assert found(source) == []


def test_the_line_is_that_of_the_docstring() -> None:
    ((line, fault),) = faults('import x\n\n\ndef f(\n    a,\n):\n    """What it does."""\n')
    assert (line, fault) == (7, "f: the docstring begins with 'What'.")


def test_files_are_reported_with_their_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "_private.py").write_text('"""What is private."""')
    (tmp_path / "good.py").write_text('"""Say how it is."""')
    assert main([str(tmp_path)]) == 0
    bad = tmp_path / "package" / "bad.py"
    bad.parent.mkdir()
    bad.write_text('"""How it is."""')
    assert main([str(tmp_path)]) == 1
    assert f"{bad}:1: module: the docstring begins with 'How'." in capsys.readouterr().out


def test_a_path_that_is_not_there_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        list(files(["no/such/folder"]))
