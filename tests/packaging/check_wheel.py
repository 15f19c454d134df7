"""Check that the wheels of the three distributions work far from the checkout.

Build them. Install ratchet-tokens alone into an empty environment, and verify a token there without
Django. Install drf-ratchet into another, add its lines to a new project, start it and sign in. Add
drf-ratchet-compat, and take it out again. `make check-wheel` runs this: it takes a minute or two.
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
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
#: Where each distribution is, from the root of the checkout. Each needs those before it.
PROJECTS = {
    "ratchet_tokens": "packages/ratchet-tokens",
    "drf_ratchet": ".",
    "drf_ratchet_compat": "packages/drf-ratchet-compat",
}
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


BRIDGE = """
INSTALLED_APPS += [
    "rest_framework_simplejwt.token_blacklist",
    "drf_ratchet_compat.simplejwt",
]
"""
#: A FastAPI service, and its issuer's key set on a socket: one request without a token,
#: one with.
SERVICE = """
import asyncio, json, threading, time, uuid
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Annotated
from fastapi import Depends, FastAPI
from joserfc.jwk import ECKey
from ratchet_tokens import codec
from ratchet_tokens.claims import Kind, access_claims
from ratchet_tokens.keys import Key, KeySet
from ratchet_tokens.verifier import Claims, Verifier
from ratchet_tokens.verifier.fastapi import EXCEPTION_HANDLERS, signed_in

key, now = Key(ECKey.generate_key("P-256"), "ES256"), int(time.time())

class Keys(BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps(KeySet(key).published()).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args):
        pass

server = HTTPServer(("127.0.0.1", 0), Keys)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}"
verifier = Verifier(url)
app = FastAPI(exception_handlers=EXCEPTION_HANDLERS)

@app.get("/whoami")
async def whoami(claims: Annotated[Claims, Depends(signed_in(verifier))]) -> str:
    return claims["sub"]

async def get(*headers):
    sent = []
    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}
    async def send(message):
        sent.append(message)
    scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET",
             "scheme": "http", "path": "/whoami", "raw_path": b"/whoami", "query_string": b"",
             "root_path": "", "headers": headers, "client": None, "server": None}
    await app(scope, receive, send)
    return sent[0]["status"], sent[1]["body"].decode()

said = access_claims(subject="1", session=uuid.uuid4(), issued_at=now, expires_at=now + 300,
                     auth_time=now, issuer=url)
bearer = b"Bearer " + codec.sign(said, key, Kind.ACCESS).encode()
refused, _ = asyncio.run(get())
print(refused, *asyncio.run(get((b"authorization", bearer))))
"""


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="ratchet-wheel-") as name:
        place = Path(name).resolve()
        # What a developer has set in the shell is not there for a user.
        for variable in ("PYTHONPATH", "DJANGO_SETTINGS_MODULE", "DATABASE_URL"):
            os.environ.pop(variable, None)

        tokens, wheel, bridges = (build(place / "dist" / name, name) for name in PROJECTS)
        check_contents(wheel)
        verify_without_django(tokens, place / "service")
        programs = install([tokens, wheel], place)
        project = make_project(programs, place)
        with running(programs, project) as url:
            sign_in(url)
        move_in_and_out(bridges, programs, project)
    print("The wheels work outside of the checkout.")


def build(dist: Path, package: str) -> Path:
    """Build a distribution's wheel and sdist, and return the wheel."""
    source = CHECKOUT / PROJECTS[package]
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", dist, source)
    [wheel] = dist.glob("*.whl")
    inside = set(zipfile.ZipFile(wheel).namelist())
    expect(f"{package}/py.typed" in inside, f"{package}: py.typed is in the wheel")
    extra = {path for path in inside if not re.match(rf"{package}(-[^/]+\.dist-info)?/", path)}
    expect(not extra, f"{package}: the wheel holds the package alone", extra)
    licenses = [path for path in inside if path.endswith("/licenses/LICENSE")]
    expect(len(licenses) == 1, f"{package}: the license is in the wheel")
    return wheel


def check_contents(wheel: Path) -> None:
    [sdist] = wheel.parent.glob("*.tar.gz")
    inside = set(zipfile.ZipFile(wheel).namelist())
    for needed in (
        "migrations/__init__.py", "migrations/0001_initial.py",
        "static/drf-ratchet/ratchet.js", "static/drf-ratchet/ratchet.d.ts",
        *(f"locale/{name}/LC_MESSAGES/django.mo" for name in languages()),
    ):  # fmt: skip
        expect(f"drf_ratchet/{needed}" in inside, f"{needed} is in the wheel")
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


def languages() -> list[str]:
    found = sorted(path.name for path in (CHECKOUT / "src" / "drf_ratchet" / "locale").iterdir())
    expect(len(found) >= 6, "there are catalogues of", ", ".join(found))
    return found


def verify_without_django(tokens: Path, place: Path) -> None:
    """Install ratchet-tokens with FastAPI and nothing else, and sign and verify there."""
    programs = install([f"{tokens}[fastapi]"], place, lock="service")
    installed = run(programs / "python", "-m", "pip", "list", "--format=freeze", cwd=place).lower()
    expect("fastapi==" in installed, "a service has FastAPI")
    expect("django" not in installed, "and no Django", installed)
    said = run(programs / "python", "-c", SERVICE, cwd=place)
    expect(said.split() == ["401", "200", '"1"'], "it verifies an access token", said)


def move_in_and_out(bridges: Path, programs: Path, project: Path) -> None:
    """Add a bridge to a project that has sessions, take it out again, and sign in."""
    pip = (programs / "python", "-m", "pip", "--quiet", "--disable-pip-version-check")
    manage = (programs / "python", "manage.py")
    settings = project / "mysite" / "settings.py"
    before = settings.read_text()
    constraints = programs.parents[1] / "constraints.txt"
    run(*pip, "install", "--constraint", constraints, f"{bridges}[simplejwt]", cwd=project)
    settings.write_text(before + BRIDGE)
    run(*manage, "migrate", "--verbosity", "0", cwd=project)
    run(*manage, "check", cwd=project)
    run(*manage, "ratchet", "adopt", "--help", cwd=project)
    settings.write_text(before)
    simplejwt = "djangorestframework-simplejwt"
    run(*pip, "uninstall", "--yes", "drf-ratchet-compat", simplejwt, cwd=project)
    run(*manage, "check", "--fail-level", "WARNING", cwd=project)
    run(*manage, "makemigrations", "--check", "--dry-run", cwd=project)
    with running(programs, project) as url:
        sign_in(url)
    print("ok: a project works with the bridge, and without it again")


def install(wheels: Sequence[Path | str], place: Path, lock: str = "demo") -> Path:
    """Install into an empty environment and return the directory of its programs."""
    place.mkdir(exist_ok=True)
    venv.create(place / "venv", with_pip=True)
    programs = place / "venv" / "bin"
    # The versions of the lock, so that a release of somebody else's breaks nothing here.
    # Without its hashes: with them pip would want one of our own wheel too.
    locked = (CHECKOUT / "requirements" / f"{lock}.txt").read_text()
    constraints = place / "constraints.txt"
    constraints.write_text("\n".join(re.findall(r"^(\w\S+==[^\\\n]+)", locked, re.MULTILINE)))
    pip = (programs / "python", "-m", "pip", "--quiet", "--disable-pip-version-check")
    run(*pip, "install", "--constraint", constraints, *wheels, cwd=place)
    return programs


def make_project(programs: Path, place: Path) -> Path:
    facts = "import django, drf_ratchet; print(drf_ratchet.__file__, django.__version__)"
    where, django = run(programs / "python", "-c", facts, cwd=place).split()
    expect(Path(where).is_relative_to(place), f"installed from the wheel, with Django {django}")
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
