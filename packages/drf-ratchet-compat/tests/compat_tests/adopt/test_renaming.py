"""Names change, and nothing else does."""

import os
import shutil
import subprocess
from io import StringIO
from pathlib import Path

import pytest
from django.core.management.base import OutputWrapper

from drf_ratchet_compat.adopt.claims import own_registered_claims
from drf_ratchet_compat.adopt.packages import DRF_JWT, SIMPLEJWT
from drf_ratchet_compat.adopt.renaming import Renaming, rename
from drf_ratchet_compat.adopt.report import by_hand
from drf_ratchet_compat.adopt.scan import scan
from drf_ratchet_compat.adopt.sources import Unreadable, project_files, read
from drf_ratchet_compat.adopt.writing import NotWritten, uncommitted, write

pytestmark = pytest.mark.any_database

OLD, NEW = "rest_framework_simplejwt", "drf_ratchet_compat.simplejwt"


def renamed(path: Path, text: str | bytes, *, install: bool = False) -> Renaming:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return rename(read(path), SIMPLEJWT, install=install)


@pytest.mark.parametrize(
    "text",
    [
        "from OLD import views\n",
        "from OLD.views import TokenObtainPairView as View  # OLD.views\n",
        "import OLD.tokens\nt = OLD.tokens.RefreshToken\n",
        "import OLD as jwt, os\n",
        "X = ['OLD', \"OLD.token_blacklist\", u'OLD.x', '''OLD.y''', r'OLD.z']\n",
        "def f():\n\tfrom OLD import x\n\treturn {'OLD.a': ('OLD.b',)}\n",
        "é = 'ü'; x = 'OLD.tokens'; from OLD import tokens\n",
        "x = (\n    'OLD.a'  # é\n    , 1)\r\ny = 'OLD.b'\r\n",
        "\f\nfrom OLD import x\n",
    ],
)
def test_renamed(tmp_path: Path, text: str) -> None:
    # The comment stays; strings in three quotes are one of the few left as they are.
    expected = text.replace("OLD", NEW).replace(f"# {NEW}", f"# {OLD}")
    expected = expected.replace(f"'''{NEW}", f"'''{OLD}")
    assert renamed(tmp_path / "x.py", text.replace("OLD", OLD)).text == expected


@pytest.mark.parametrize(
    "text",
    [
        "from .OLD import x\n",
        "x = other.OLD\n",
        "x = 'see OLD.views for more'\n",
        '"""About OLD."""\n',
        "x = f'OLD.{name}'\n",
        "from OLD_extra import x\nx = 'OLD_extra.y'\n",
        "import myOLD\n",
        "# OLD\n",
        "x = 'pip install django-OLD-x'\n",
    ],
)
def test_left_alone(tmp_path: Path, text: str) -> None:
    text = text.replace("OLD", OLD)
    assert renamed(tmp_path / "x.py", text).text == text


def test_what_is_left_is_mentioned(tmp_path: Path) -> None:
    found = renamed(tmp_path / "x.py", f"from {OLD} import x\n# {OLD}\ny = 'in {OLD}.y'\n")
    assert [mention.line for mention in found.mentions] == [2, 3]


HIDDEN = (
    "x = ['secret', OLD.x]",
    "x = {'OLD.x': 'secret'}; y = OLD",
    'x = [b"secret", rb"""secret""", OLD]',
    "x = (f'{OLD.x}secret{\"secret\"}', OLD)",
    "x = f'''{OLD.x!r:>{\"secret\"}}\nsecret'''; y = OLD",
    "x = OLD.x  # secret",
    "x = OLD.x, 'secret\\\nsecret', 'secret'",
    'x = OLD.x, """secret\n secret OLD\n secret""", "secret"',
    "# secret OLD",
    "x = 'secret OLD'",
    "x = 'secret'\ny = 'secret'; z = OLD\nx = 'secret'",
    "x = 'OLD secret.x', OLD",
    "x = '', OLD, 'é' 'secret'\r\nx = 'secret'",
)


@pytest.mark.parametrize("text", HIDDEN)
def test_no_secret_is_shown(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.py"
    found = renamed(path, text.replace("OLD", OLD) + "\n")

    shown = [*found.diff("x.py"), *(mention.text for mention in found.mentions)]

    assert shown
    assert not any("secret" in line for line in shown)
    assert found.text.count("secret") == text.count("secret")
    if found.changes:
        write(found, tmp_path)
        assert path.read_bytes() == found.text.encode()


def test_what_is_shown(tmp_path: Path) -> None:
    """Where it is, and the names: masked lines are as many as the file's."""
    text = (
        "before = 'x'\n"
        '"""A text\nof lines."""\n'
        f"a, b = f(x, {OLD}.y, 1), ('{OLD}.a', \"{OLD}\", 'key')  # note\n"
        "after = 'x'\n"
    )
    assert renamed(tmp_path / "x.py", text).diff("x.py") == [
        "--- a/x.py",
        "+++ b/x.py",
        "@@ -4 +4 @@",
        f"-a, b = f(x, {OLD}.y, 1), ('{OLD}.a', \"{OLD}\", '...')  # ...",
        f"+a, b = f(x, {NEW}.y, 1), ('{NEW}.a', \"{NEW}\", '...')  # ...",
    ]


def test_no_secret_in_what_is_left_to_a_person(tmp_path: Path) -> None:
    texts = {
        ".env": f'BACKEND="{OLD}.x" SECRET_KEY=hunter2\n',
        "settings.yml": f"{{key: hunter2, auth: {OLD}.x}}\n",
        "requirements.txt": "git+https://hunter2@git.example/djangorestframework-simplejwt\n",
        "a/migrations/0001.py": "d = [('token_blacklist', 'hunter2')]  # hunter2\n",
        "a/migrations/0002.py": f"d = ['token_blacklist', 'hunter2\n# {OLD}\n",
        "a/views.py": f"x = '{OLD} hunter2', 'hunter2'\n",
    }
    for name, text in texts.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    out = StringIO()
    scanned = scan(tmp_path, SIMPLEJWT, install=False)

    by_hand(OutputWrapper(out), SIMPLEJWT, scanned, needs_app=False)

    lines = out.getvalue().splitlines()
    assert "hunter2" not in out.getvalue()
    for name in texts:
        assert any(line.startswith(f"  {name}:1: ") for line in lines)
    assert "  .env:1: names the old package, and is left as it is" in lines
    assert (
        "  a/views.py:1: x = '...', '...'  (names the old package, and is left as it is)" in lines
    )
    assert any("0001.py:1: d = [('token_blacklist', '...')]" in line for line in lines)


@pytest.mark.parametrize(
    "text", [f"f({OLD}=1)\n", f"from . import {OLD}\n", f"from {OLD} import (\n", f"'{OLD}\0'"]
)
def test_no_python_before_or_after(tmp_path: Path, text: str) -> None:
    with pytest.raises(Unreadable):
        renamed(tmp_path / "x.py", text)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('    "drf_ratchet",\n', f'    "drf_ratchet",\n    "{NEW}",\n'),
        ('    "a", "drf_ratchet"\n', f'    "a", "drf_ratchet", "{NEW}"\n'),
        ('"é", "drf_ratchet",\r\n', f'"é", "drf_ratchet", "{NEW}",\r\n'),
        ('\t"drf_ratchet",\r\n', f'\t"drf_ratchet",\r\n\t"{NEW}",\r\n'),
        (
            '    "drf_ratchet.apps.RatchetConfig",\n',
            f'    "drf_ratchet.apps.RatchetConfig",\n    "{NEW}",\n',
        ),
        ('    "another",\n', '    "another",\n'),
    ],
)
@pytest.mark.parametrize("frame", ["INSTALLED_APPS = [\n{}]\n", "INSTALLED_APPS += (\n{})\n"])
def test_our_app_is_added(tmp_path: Path, frame: str, before: str, after: str) -> None:
    text = frame.format(before)
    assert renamed(tmp_path / "x.py", text, install=True).text == frame.format(after)
    assert renamed(tmp_path / "y.py", text).text == text


@pytest.mark.parametrize(
    "raw",
    [
        f"\ufefffrom {OLD} import x\r\n".encode(),
        f"# -*- coding: latin-1 -*-\nfrom {OLD} import x\né = 'ü'".encode("latin-1"),
    ],
)
def test_written_as_it_was(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "x.py"
    renaming = renamed(path, raw)
    path.chmod(0o750)

    write(renaming, tmp_path)

    assert path.read_bytes() == raw.replace(OLD.encode(), NEW.encode())
    assert path.stat().st_mode & 0o777 == 0o750
    assert list(tmp_path.iterdir()) == [path]


def test_mode_and_owner_reach_no_other_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whose directory it is puts a link in the new file's place, while root writes it."""
    path, victim = tmp_path / "x.py", tmp_path / "victim"
    victim.write_text("shadow")
    victim.chmod(0o600)
    renaming = renamed(path, f"from {OLD} import x\n")
    path.chmod(0o777)
    if os.geteuid() == 0:
        os.chown(path, 12345, 12345)
    to_disk = os.fsync

    def swapped(number: int) -> None:
        to_disk(number)
        (new,) = tmp_path.glob(".x.py.*")
        new.unlink()
        new.symlink_to(victim)

    monkeypatch.setattr(os, "fsync", swapped)

    write(renaming, tmp_path)

    after = victim.stat()
    assert (after.st_mode & 0o777, after.st_uid) == (0o600, os.geteuid())
    assert victim.read_text() == "shadow"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_owner_stays(tmp_path: Path) -> None:
    path = tmp_path / "x.py"
    renaming = renamed(path, f"from {OLD} import x\n")
    os.chown(path, 12345, 23456)
    path.chmod(0o640)

    write(renaming, tmp_path)

    after = path.stat()
    assert (after.st_uid, after.st_gid, after.st_mode & 0o7777) == (12345, 23456, 0o640)


def test_a_link_put_in_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the look at it and the reading of it."""
    path, other = tmp_path / "x.py", tmp_path / "other"
    renaming = renamed(path, f"from {OLD} import x\n")
    other.write_bytes(path.read_bytes())
    path.unlink()
    path.symlink_to(other)
    monkeypatch.setattr(Path, "is_symlink", lambda path: False)
    with pytest.raises(NotWritten):
        write(renaming, tmp_path)
    assert OLD in other.read_text()


def test_changed_in_the_meantime(tmp_path: Path) -> None:
    path = tmp_path / "x.py"
    renaming = renamed(path, f"from {OLD} import x\n")
    path.write_text("somebody else's")
    with pytest.raises(NotWritten, match="changed in the meantime"):
        write(renaming, tmp_path)
    assert path.read_text() == "somebody else's"


@pytest.mark.starts
@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_what_git_does_not_have_yet(tmp_path: Path) -> None:
    old, new = tmp_path / "old.py", tmp_path / "a new one.py"
    assert uncommitted([new], tmp_path) is None
    old.write_text("x = 1\n")
    for command in ("init -q", "add .", "-c user.name=x -c user.email=x commit -q -m x"):
        subprocess.run(["git", "-C", str(tmp_path), *command.split()], check=True)
    new.write_text("")
    assert uncommitted([old, new], tmp_path) == ["a new one.py"]
    old.write_text("x = 2\n")
    assert uncommitted([old], tmp_path) == ["old.py"]


def test_nothing_outside_of_the_project(tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    for directory in (inside, outside):
        directory.mkdir()
    renaming = renamed(outside / "x.py", f"from {OLD} import x\n")
    inside.joinpath("x.py").symlink_to(outside / "x.py")
    inside.joinpath("all").symlink_to(outside)
    with pytest.raises(NotWritten, match="outside"):
        write(renaming, inside)
    assert list(project_files(inside)) == []


def test_whose_files(tmp_path: Path) -> None:
    ours = {"a.py", "app/migrations/0001.py", "venv_like/x.py"}
    others = {".hidden/a.py", "node_modules/a.py", "env/lib/a.py", "lib/site-packages/a.py"}
    for name in (*ours, *others, "env/pyvenv.cfg"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    assert {path.relative_to(tmp_path).as_posix() for path in project_files(tmp_path)} == ours


def test_own_claims() -> None:
    text = """
class S:
    def get_token(cls, user):
        token["sid"] = 1
        token["name"] = "x"
        token.payload.update({"gen": 1}, act=2)
        return token
    def other(self):
        token["sub"] = 1
def jwt_payload_handler(user):
    return {"user_id": 1, "exp": 2}
"""
    found = {tuple(claim) for claim in own_registered_claims(text)}
    assert found == {("sid", 4), ("gen", 6), ("act", 6), ("exp", 11)}
    assert list(own_registered_claims("def get_token(")) == []


def test_drf_jwt_is_another_name(tmp_path: Path) -> None:
    path = tmp_path / "x.py"
    path.write_text("from rest_framework_jwt.views import obtain_jwt_token\n")
    assert "drf_ratchet_compat.drf_jwt.views" in rename(read(path), DRF_JWT).text
    assert not rename(read(path), SIMPLEJWT).changes
