"""Does the wheel work for somebody who has nothing but the wheel?

Build it, install it into an empty environment far from the checkout, add the three lines
to a new project, start that project and sign in. A program and not a test of the suite:
it takes most of a minute. `make check-wheel` runs it.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.error
import urllib.request
import venv
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
USERNAME, PASSWORD = "alice", secrets.token_urlsafe()

SETTINGS = """
INSTALLED_APPS += ["rest_framework", "drf_ratchet"]
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["drf_ratchet.authentication.JWTAuthentication"],
}
MIDDLEWARE += ["django.middleware.locale.LocaleMiddleware"]
"""
URLS = """
from django.urls import include
urlpatterns += [path("api/", include("drf_ratchet.urls"))]
"""


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="ratchet-wheel-") as name:
        place = Path(name).resolve()
        # What a developer has set in the shell is not there for a user.
        for variable in ("PYTHONPATH", "DJANGO_SETTINGS_MODULE", "DATABASE_URL"):
            os.environ.pop(variable, None)

        wheel = build(place / "dist")
        programs = install(wheel, place)
        project = make_project(programs, place)
        with running(programs, project) as url:
            sign_in(url)
    print("The wheel works outside of the checkout.")


def build(dist: Path) -> Path:
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", dist, CHECKOUT)
    [wheel], [sdist] = dist.glob("*.whl"), dist.glob("*.tar.gz")

    inside = set(zipfile.ZipFile(wheel).namelist())
    for needed in (
        "py.typed", "migrations/__init__.py", "migrations/0001_initial.py",
        "static/drf-ratchet/ratchet.js", "static/drf-ratchet/ratchet.d.ts",
        *(f"locale/{name}/LC_MESSAGES/django.mo" for name in languages()),
    ):  # fmt: skip
        expect(f"drf_ratchet/{needed}" in inside, f"{needed} is in the wheel")
    tops = {path.split("/")[0] for path in inside}
    extra = {top for top in tops if top != "drf_ratchet" and not top.endswith(".dist-info")}
    expect(not extra, "the wheel holds the package alone", extra)
    licences = [path for path in inside if path.endswith("/licenses/LICENSE")]
    expect(len(licences) == 1, "the licence is in the wheel")

    with tarfile.open(sdist) as archive:
        inside = {path.partition("/")[2] for path in archive.getnames()}
    for needed in (
        "pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE", "Makefile",
        "src/drf_ratchet/py.typed", "tests/servers.py", "demo/manage.py", "requirements/dev.txt",
        "clients/js/package.json",
    ):  # fmt: skip
        expect(needed in inside, f"{needed} is in the sdist")
    data = {path for path in inside if re.search(r"sqlite3|__pycache__|^demo/var/", path)}
    expect(not data, "the sdist holds nothing that was made by running it", data)
    return wheel


def languages() -> list[str]:
    found = sorted(path.name for path in (CHECKOUT / "src" / "drf_ratchet" / "locale").iterdir())
    expect(len(found) >= 6, "there are catalogues of", ", ".join(found))
    return found


def install(wheel: Path, place: Path) -> Path:
    """Install into an empty environment and return the directory of its programs."""
    venv.create(place / "venv", with_pip=True)
    programs = place / "venv" / "bin"
    # The versions of the lock, so that a release of somebody else's breaks nothing here.
    # Without its hashes: with them pip would want one of our own wheel too.
    lock = (CHECKOUT / "requirements" / "demo.txt").read_text()
    constraints = place / "constraints.txt"
    constraints.write_text("\n".join(re.findall(r"^(\w\S+==[^\\\n]+)", lock, re.MULTILINE)))
    pip = (programs / "python", "-m", "pip", "--quiet", "--disable-pip-version-check")
    run(*pip, "install", "--constraint", constraints, wheel, cwd=place)
    facts = "import django, drf_ratchet; print(drf_ratchet.__file__, django.__version__)"
    where, django = run(programs / "python", "-c", facts, cwd=place).split()
    expect(Path(where).is_relative_to(place), f"installed from the wheel, with Django {django}")
    return programs


def make_project(programs: Path, place: Path) -> Path:
    run(programs / "django-admin", "startproject", "mysite", cwd=place)
    project = place / "mysite"
    for file, lines in (("settings.py", SETTINGS), ("urls.py", URLS)):
        with (project / "mysite" / file).open("a") as opened:
            opened.write(lines)
    manage = (programs / "python", "manage.py")
    run(*manage, "check", "--fail-level", "WARNING", cwd=project)
    run(*manage, "makemigrations", "--check", "--dry-run", cwd=project)
    run(*manage, "migrate", "--verbosity", "0", cwd=project)
    user = {
        "DJANGO_SUPERUSER_USERNAME": USERNAME,
        "DJANGO_SUPERUSER_EMAIL": f"{USERNAME}@example.com",
        "DJANGO_SUPERUSER_PASSWORD": PASSWORD,
    }
    run(*manage, "createsuperuser", "--noinput", cwd=project, env={**os.environ, **user})
    return project


@contextmanager
def running(programs: Path, project: Path) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    log = project / "server.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [programs / "python", "manage.py", "runserver", "--noreload", address],
            cwd=project,
            stdout=output,
            stderr=output,
        )
    try:
        wait_for(f"http://{address}/", server)
        yield f"http://{address}/"
    except BaseException:
        print(f"The server said:\n{log.read_text(errors='replace')}")
        raise
    finally:
        server.terminate()
        server.wait()


def wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while True:
        if server.poll() is not None or time.monotonic() > deadline:
            raise SystemExit("FAILED: the server did not start")
        try:
            urllib.request.urlopen(url).close()
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
        else:
            return


def sign_in(url: str) -> None:
    user = {"username": USERNAME, "password": PASSWORD}
    status, body = post(f"{url}api/token/", {**user, "password": "wrong"})
    expect(status == 401 and body["code"] == "no_active_account", "a wrong password is refused")
    status, body = post(f"{url}api/token/", {**user, "password": "wrong"}, language="de")
    german = "Mit diesen Zugangsdaten wurde kein aktives Konto gefunden."
    expect(
        body == {"detail": german, "code": "no_active_account"}, "and in German where asked", body
    )

    status, first = post(f"{url}api/token/", user)
    expect(status == 200 and set(first) == {"access", "refresh"}, "signing in gives two tokens")
    status, _ = post(f"{url}api/token/verify/", {"token": first["access"]})
    expect(status == 200, "the access token is good")
    status, second = post(f"{url}api/token/refresh/", {"refresh": first["refresh"]})
    expect(status == 200 and second["refresh"] != first["refresh"], "refreshing gives the next two")
    status, _ = post(f"{url}api/logout/", {"refresh": second["refresh"]})
    expect(status == 200, "logging out works")
    status, _ = post(f"{url}api/token/refresh/", {"refresh": second["refresh"]})
    expect(status == 401, "after logging out nothing is refreshed")


def post(url: str, body: dict[str, str], language: str = "en") -> tuple[int, dict[str, str]]:
    headers = {"Content-Type": "application/json", "Accept-Language": language}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def run(*command: Path | str, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    """Run a command that has to succeed and return what it printed."""
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        words = " ".join(map(str, command))
        raise SystemExit(f"FAILED ({done.returncode}): {words}\n{done.stdout}{done.stderr}")
    return done.stdout


def expect(truth: bool, what: str, found: object = "") -> None:
    if not truth:
        raise SystemExit(f"FAILED: {what} {found}")
    print(f"ok: {what}")


if __name__ == "__main__":
    main()
