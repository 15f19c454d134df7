"""Attacks on the running demo, over HTTP, as a table: `make attacks`.

Starts the demo as people run it (`demo/serve.py`, two workers, with PostgreSQL and Valkey), replays
each attack, and prints what was sent and what came back. Exits with status 1 if one got through.

Clients connect from addresses of their own (127.0.0.2, 127.0.0.3, ...), so that the demo sees as
many networks as an attack needs.
"""

import json
import os
import re
import secrets
import stat
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import django

ROOT = Path(__file__).resolve().parents[2]
# What is used of the tests needs settings.
sys.path[:0] = [str(ROOT / "demo"), str(ROOT / "packages" / "ratchet-tokens" / "tests")]
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from blog.demo_users import PASSWORD  # noqa: E402
from ratchet_tokens.key_directory import new_key  # noqa: E402
from tests.attacks.replay_demo import (  # noqa: E402
    MANAGE,
    Client,
    Demo,
    Run,
    database,
    demo,
    demo_environment,
    run,
    service_beside,
)
from tests.attacks.test_large_bodies import (  # noqa: E402
    FIELDS,
    FORM,
    JSON,
    LONG,
    MULTIPART,
    bodies,
    kinds_of,
    parts,
)
from tests.fixtures import payload  # noqa: E402
from tests.servers import postgres, valkey  # noqa: E402
from tests.test_checks_no_secrets import SHAPES, given_away  # noqa: E402

ACCOUNTS = "config.with_accounts"
SERVICE = "tests.attacks.replay_settings"
#: What the worst body may cost, beside the password hasher.
CPU_SECONDS, MEGABYTES = 0.25, 20
SESSIONS = 10_000
#: The demo's URLs for those of ``FIELDS``.
NAMES = {
    "/jwt/": "/api-token-auth/",
    "/jwt/refresh/": "/api-token-refresh/",
    "/jwt/verify/": "/api-token-verify/",
}
FOR_SERVICES = ("/api/introspect/", "/api/revoke/")


# The table


#: The subject of each number.
ABOUT = {
    "S1": "large bodies",
    "S2": "many sessions",
    "S3": "second factor",
    "S4": "introspection",
    "S5": "step-up",
    "S6": "counters",
    "S7": "secrets in output",
    "S8": "files",
    "S9": "`auth_time`",
    "S10": "smaller ones",
}


@dataclass
class Report:
    """The attacks: printed one by one, or as a table in the end.

    Args:
        as_table: whether to print a table in Markdown.
        lines: each attack, as the columns of the table.
        failed: how many got through.
    """

    as_table: bool
    lines: list[tuple[str, ...]] = field(default_factory=list)
    failed: int = 0

    def line(
        self, row: str, sent: str, back: Any, ok: bool, *, figures: str = "", word: str = "refused"
    ) -> None:
        """Note one attack.

        Args:
            row: the number of the fault.
            sent: what was sent.
            back: what came back: a text, or answers to count.
            ok: whether the attack failed.
            figures: what it cost.
            word: what to say of an attack that failed.
        """
        self.failed += not ok
        verdict = word if ok else "NOT HELD"
        shown = back if isinstance(back, str) else told(back)
        self.lines.append((row, sent, shown, figures, verdict))
        if not self.as_table:
            print(
                f"{row:4}{sent}: {shown}{f' ({figures})' if figures else ''}: {verdict}", flush=True
            )

    def table(self) -> None:
        """Print all of them by their numbers."""
        print("| | sent | came back | figures | |\n| --- | --- | --- | --- | --- |")
        for columns in sorted(self.lines, key=lambda one: int(one[0][1:])):
            row, *others = columns
            print(f"| {' | '.join([f'{row} {ABOUT[row]}', *others])} |".replace("|  |", "| |"))

    def by_test(self, row: str, what: str, file: str, name: str) -> None:
        """Print the test that shows what the demo cannot show.

        Args:
            row: the number of the fault.
            what: what the test shows.
            file: its file.
            name: its name, after that of its class if it has one.
        """
        *_, function = name.split("::")
        there = f"def {function}(" in (ROOT / file).read_text()
        self.line(row, what, f"by test: `{file}::{name}`", there, word="held")


def told(answers: Iterable[Any]) -> str:
    """Return answers as text: "20 × 401, 5 × 429"."""
    counted = Counter(map(str, answers))
    return ", ".join(
        f"{number} × {what}" if number > 1 else what for what, number in counted.items()
    )


def s1_large_bodies(blog: Demo, report: Report, *, of_services: bool) -> None:
    """Send hostile bodies to each endpoint, and report the worst."""
    service = ("orders", blog.environment.get("SERVICE_SECRET", ""))
    for _ in range(6):
        # What is only paid once, by each worker.
        blog.client().status("/api/introspect/", "token=x", kind=FORM, service=service)
    costs, sizes, statuses = [], [], []
    for url, fields in FIELDS.items():
        # "logout/all/" looks at no body.
        if (url in FOR_SERVICES) != of_services or not fields:
            continue
        client = blog.client()
        who: dict[str, Any] = {"service": service} if of_services else {}
        if not of_services and "token" not in url:
            who["bearer"] = client.sign_in("alice")["access"]
        if "api-auth" in url:
            who["headers"] = client.csrf_header()
        for kind in kinds_of(url):
            for body in bodies(fields, kind).values():
                send = partial(client.status, NAMES.get(url, url), body, kind=kind, **who)
                status, cpu, memory = blog.cost_of(send)
                costs.append((cpu, memory))
                sizes.append(len(body))
                statuses.append(status)
    cpu, memory = (max(one) for one in zip(*costs, strict=True))
    report.line(
        "S1",
        f"{len(costs)} bodies of up to {max(sizes) / 1e6:.0f} MB to the endpoints for "
        + ("services" if of_services else "people"),
        statuses,
        {status // 100 for status in statuses} == {4} and cpu < CPU_SECONDS and memory < MEGABYTES,
        figures=f"the worst: {cpu:.2f} s of CPU, {memory:.0f} MB",
    )


def s1_one_name(blog: Demo, report: Report) -> None:
    client = blog.client()
    name = json.dumps({"username": 800_000 * LONG, "password": "x"}, ensure_ascii=False).encode()
    folded = {"username": 4096 * LONG, "password": "x"}

    def line(sent: str, body: Any, expected: int, beside: float = 0) -> None:
        status, cpu, memory = blog.cost_of(lambda: client.status("/api/token/", body))
        cpu = max(0, cpu - beside)
        ok = status == expected and cpu < CPU_SECONDS and memory < MEGABYTES
        figures = f"{cpu:.2f} s of CPU, {memory:.0f} MB"
        report.line("S1", sent, str(status), ok, figures=figures)

    line("2.4 MB of U+FDFA as `username`", name, 413)
    guesses = (partial(client.guess, "nobody", number) for number in range(3))
    ordinary = min(blog.cost_of(guess)[1] for guess in guesses)
    line("4,096 U+FDFA as `username` (beside the hasher)", folded, 401, ordinary)
    key = {"Idempotency-Key": LONG.encode() * 2_500}
    status, cpu, memory = blog.cost_of(
        lambda: client.status("/api/token/refresh/", {"refresh": "x"}, headers=key)
    )
    report.line(
        "S1",
        "7,500 bytes of U+FDFA as `Idempotency-Key`",
        str(status),
        400 <= status < 500 and cpu < CPU_SECONDS,
        figures=f"{cpu:.2f} s of CPU, {memory:.0f} MB",
    )
    client = blog.limited
    line("2.4 MB of U+FDFA from a network that is at 429", name, 429)


def s8_files(blog: Demo, report: Report) -> None:
    stranger, limited = blog.client(), blog.limited
    body = parts(60_000_000)
    for who, client, paths in (
        ("", stranger, ("/api/token/", "/api/browser/login/", "/api-token-auth/")),
        (" from a network that is at 429", limited, ("/api/token/",)),
    ):
        for path in paths:
            written = written_by(blog)
            send = partial(client.status, path, body, kind=MULTIPART)
            with files_of(blog.uploads) as files:
                status, cpu, memory = blog.cost_of(send)
            size = written_by(blog) - written
            # As Django calls them.
            uploads = [name for name in files if "upload" in name]
            ok = status in (400, 413, 415, 429) and not uploads and size < 100_000
            report.line(
                "S8",
                f"a file of 60 MB to `{path}`{who}",
                str(status),
                ok and cpu < 0.5 and memory < MEGABYTES,
                figures=f"{size:,} bytes on the disk, {cpu:.2f} s of CPU, {memory:.0f} MB",
            )


@contextmanager
def files_of(folder: Path) -> Iterator[set[str]]:
    """Collect the names of all files that are in a folder meanwhile."""
    files: set[str] = set()
    stop = threading.Event()

    def look() -> None:
        while not stop.wait(0.001):
            files.update(file.name for file in folder.iterdir())

    watching = threading.Thread(target=look)
    watching.start()
    try:
        yield files
    finally:
        stop.set()
        watching.join()


def written_by(blog: Demo) -> int:
    """Return the bytes that the workers have written to disks."""
    texts = [Path(f"/proc/{pid}/io").read_text() for pid in blog.workers()]
    return sum(int(n) for text in texts for n in re.findall(r"^write_bytes: (\d+)", text, re.M))


def s2_many_sessions(blog: Demo, service: str, report: Report) -> None:
    robot, stranger = blog.client(), blog.client()
    blog.shell(
        "from django.contrib.auth.models import User\n"
        "from tests.sessions.test_many_sessions import give_sessions\n"
        f"give_sessions(User.objects.get(username='robot'), {SESSIONS})\n"
    )
    old, alice = robot.sign_in("robot"), stranger.sign_in("alice")

    def at_service(tokens: dict[str, str]) -> int:
        return Client(service, "127.0.0.1").status("/whoami", method="GET", bearer=tokens["access"])

    assert at_service(old) == 200
    statuses: list[int] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.wait(0.02):
            statuses.append(at_service(alice))

    asking = threading.Thread(target=ask)
    asking.start()
    begun = time.monotonic()
    answer = robot.send("/api/logout/all/", bearer=old["access"])
    took = time.monotonic() - begun
    queries = int(answer.headers["X-Queries"])
    again = robot.sign_in("robot")
    deadline = time.monotonic() + 10
    while at_service(old) == 200 and time.monotonic() < deadline:
        time.sleep(0.05)
    late = time.monotonic() - begun
    ended, new = at_service(old), at_service(again)
    time.sleep(3)
    stop.set()
    asking.join()
    left = robot.send("/api/sessions/", method="GET", bearer=again["access"]).json()
    report.line(
        "S2",
        f"`logout/all/` by a user with {SESSIONS:,} sessions",
        f"{answer.status_code}, and after the next sign-in {len(left)} active",
        answer.status_code == 200 and len(left) == 1 and queries <= 20,
        figures=f"{queries} queries, {took:.1f} s",
        word="held",
    )
    report.line(
        "S2",
        "a stranger's token at the service meanwhile",
        statuses,
        set(statuses) == {200} and len(statuses) > 20,
        word="accepted",
    )
    report.line(
        "S2", "the user's old token there", str(ended), ended == 401, figures=f"after {late:.1f} s"
    )
    report.line("S2", "a sign-in right after it, there", str(new), new == 200, word="accepted")
    report.by_test(
        "S2",
        "right passwords at a rate",
        "tests/test_throttling.py",
        "test_right_passwords_are_limited_by_default",
    )


def s3_password_alone(blog: Demo, report: Report) -> None:
    blog.shell(
        "from allauth.mfa.totp.internal.auth import TOTP\n"
        "from django.contrib.auth.models import User\n"
        "TOTP.activate(User.objects.get(username='factor'), 'JBSWY3DPEHPK3PXP')\n"
    )

    def sign_in(path: str, kind: str, username: str) -> tuple[Any, bool]:
        """Sign in, and return the response and whether it signs in."""
        client = blog.client()
        headers = client.csrf_header() if kind == FORM else {}
        fields = {"username": username, "password": PASSWORD}
        content = fields if kind == JSON else urlencode(fields)
        answer = client.send(path, content, kind=kind, headers=headers)
        # A JWT begins with '{"' in base64. The form's own cookie is no session's.
        return answer, "eyJ" in answer.text or set(client.cookies) != set(headers and {"csrftoken"})

    for path, kind in (
        ("/api/token/", JSON),
        ("/api/browser/login/", JSON),
        ("/api-token-auth/", JSON),
        ("/api-auth/login/", FORM),
    ):
        # Or else nothing is shown.
        assert sign_in(path, kind, "alice")[1], path
        answer, signed_in = sign_in(path, kind, "factor")
        report.line(
            "S3",
            f"the password alone of a user with an authenticator app to `{path}`",
            f"{answer.status_code}{code_of(answer)}",
            answer.status_code in (400, 401, 403) and not signed_in,
        )
    for what, name in (
        ("URLs without `token/`", "test_session_urls_are_everything_but_the_sign_in"),
        (
            "a second factor in `SIGN_IN_SERIALIZER`",
            "test_every_endpoint_asks_for_the_second_factor",
        ),
        ("endpoints that differ", "test_a_second_endpoint_that_asks_for_less_is_reported"),
    ):
        report.by_test("S3", what, "tests/test_sign_in_policy.py", name)


def code_of(answer: Any) -> str:
    with suppress(ValueError, AttributeError):
        code = answer.json().get("code")
        return f" `{code}`" if code else ""
    return ""


def s4_introspection(blog: Demo, report: Report) -> None:
    service = ("orders", blog.environment["SERVICE_SECRET"])
    client = blog.client()

    def active(token: str, hint: str = "") -> bool:
        body = f"token={token}" + (f"&token_type_hint={hint}" if hint else "")
        answer = client.send("/api/introspect/", body, kind=FORM, service=service)
        assert answer.status_code == 200, answer.text
        return bool(answer.json()["active"])

    pair = client.sign_in("introspected")
    browser = blog.client()
    login = {"username": "introspected", "password": PASSWORD}
    assert browser.status("/api/browser/login/", login) == 200
    [cookie] = [value for value in browser.cookies.values() if value.count(".") == 2]
    assert active(pair["access"]), "nothing is shown where everything is inactive"
    following = client.send("/api/token/refresh/", {"refresh": pair["refresh"]}).json()
    for what, token, hint in (
        ("a used refresh token", pair["refresh"], ""),
        ("a used refresh token, `token_type_hint=refresh_token`", pair["refresh"], "refresh_token"),
        ("the current refresh token", following["refresh"], "refresh_token"),
        ("the refresh token of a browser's cookie", cookie, "refresh_token"),
    ):
        found = active(token, hint)
        report.line(
            "S4", f"{what} to `introspect/`", f"200 `active: {str(found).lower()}`", not found
        )
    report.by_test(
        "S4",
        "`SERVICES_THAT_SEE_ALL_TOKENS`",
        "tests/services/test_introspection.py",
        "TestWhatAServiceMaySee::test_a_used_refresh_token_is_inactive",
    )


def s5_step_up(blog: Demo, report: Report) -> None:
    owner = blog.client()
    tokens = owner.sign_in("customer")
    strangers = [blog.client() for _ in range(16)]
    sent = [status for one in strangers for status in one.fail(20, username="customer")]
    closed = blog.client().status("/api/token/", {"username": "customer", "password": PASSWORD})
    report.line(
        "S5",
        "320 failed sign-ins for one account from 16 networks, then the right password",
        f"{told(sent)}, then {closed}",
        sent.count(400) == 300 and closed == 429,
    )
    body = {"refresh": tokens["refresh"], "password": PASSWORD}
    answer = owner.send("/api/step-up/", body, bearer=tokens["access"])
    report.line(
        "S5",
        "the owner's step-up after that",
        str(answer.status_code),
        answer.status_code == 200,
        word="accepted",
    )
    tokens = answer.json()
    thieves = [blog.client() for _ in range(5)]
    guesses = []
    for number in range(25):
        body = {"refresh": tokens["refresh"], "password": f"guess {number}"}
        guesses.append(thieves[number % 5].status("/api/step-up/", body, bearer=tokens["access"]))
    report.line(
        "S5",
        "25 guesses at step-up with stolen tokens, from 5 networks",
        guesses,
        guesses == [401] * 20 + [429] * 5,
    )


def guess_all(client: Client, names: list[str], **options: Any) -> list[int]:
    """Guess a password for each name, two at a time; return the statuses."""
    with ThreadPoolExecutor(2) as pool:
        guess = partial(client.guess, **options)
        return sorted(pool.map(guess, names, range(len(names))))


def s6_counters(blog: Demo, report: Report) -> None:
    attacker = blog.client()
    bearer = attacker.sign_in("bob")["access"]
    guesses = guess_all(attacker, ["victim"] * 25, bearer=bearer)
    report.line(
        "S6",
        "25 guesses for one account with the attacker's own Bearer",
        guesses,
        Counter(guesses) == {401: 20, 429: 5},
    )
    client = blog.client()
    for name in ("", " ", None):
        nameless = blog.client()
        body = {"password": "x"} if name is None else {"username": name, "password": "x"}
        answers = [nameless.status("/api/token/", body) for _ in range(25)]
        what = "no `username`" if name is None else f"`username` {json.dumps(name)}"
        ok = answers == [400] * 20 + [429] * 5
        report.line("S6", f"25 sign-ins with {what}", answers, ok)
    forwarded = [
        client.status(
            "/api/token/", {"username": f"u{n}"}, headers={"X-Forwarded-For": f"192.0.2.{n}"}
        )
        for n in range(120)
    ]
    report.line(
        "S6",
        "120 failures, each with another `X-Forwarded-For`",
        forwarded,
        forwarded == [400] * 100 + [429] * 20,
    )
    for what, file, name in (
        (
            "a serializer's own `username_field`",
            "tests/test_throttling.py",
            "test_one_account_has_one_count",
        ),
        (
            "a view of a project's own",
            "tests/docs/test_howto.py",
            "test_custom_view_limits_guesses",
        ),
        (
            "a new password with a stolen access token",
            "tests/docs/test_howto.py",
            "test_a_stolen_access_token_guesses_no_password",
        ),
    ):
        report.by_test("S6", what, file, name)


KEY_SHAPES = ("quoted", "with a byte order mark", "base64", "base64 of DER", "JSON array")


def s7_runs(environment: dict[str, str], pool: ThreadPoolExecutor) -> dict[str, list[Future[Run]]]:
    """Run each command with each shape of a key, in the background."""
    commands = [
        [*MANAGE, "check"],
        [*MANAGE, "ratchet", "keys", "list"],
        [sys.executable, "-m", "gunicorn", "--check-config", "config.wsgi"],
    ]
    return {
        shape: [pool.submit(run, one, environment, KEYS=SHAPES[shape]) for one in commands]
        for shape in KEY_SHAPES
    }


def s7_secrets(runs: dict[str, list[Future[Run]]], report: Report) -> None:
    for shape, futures in runs.items():
        value = SHAPES[shape]
        assert given_away(value, f"… {value} …"), "what is looked for is found"
        done = [future.result() for future in futures]
        said = "".join(one.said for one in done)
        pieces = given_away(value, said)
        # What is refused is refused by its setting's name.
        named = all(one.status == 0 or "DRF_RATCHET['KEYS']" in one.said for one in done)
        names = ("check", "keys list", "start-up")
        exits = (f"{name} {one.status}" for name, one in zip(names, done, strict=True))
        report.line(
            "S7",
            f"a private key as `KEYS`, {shape}: `check`, `ratchet keys list`, start-up",
            f"exit statuses: {', '.join(exits)}",
            not pieces and named,
            figures=f"{len(pieces)} pieces of it in {len(said):,} characters",
            word="held",
        )


def s9_auth_time(blog: Demo, report: Report) -> None:
    client = blog.client()
    login = {"username": "copied", "password": PASSWORD}
    old = client.send("/api-token-auth/", login).json()["token"]
    pair = client.sign_in("copied")
    # In whole seconds: a renewed one would differ.
    time.sleep(2)
    new = client.send("/api-token-refresh/", {"token": old}).json()["token"]
    refreshed = client.send("/api/token/refresh/", {"refresh": pair["refresh"]}).json()
    for path, before, after in (
        ("/api-token-refresh/", old, new),
        ("/api/token/refresh/", pair["access"], refreshed["access"]),
    ):
        first, second = payload(before), payload(after)
        kept = first["auth_time"] == second["auth_time"] and first["iat"] < second["iat"]
        report.line(
            "S9",
            f"`{path}` two seconds after the sign-in",
            "200, `auth_time` " + ("as before" if kept else "renewed"),
            kept,
            word="held",
        )
    policy = "packages/drf-ratchet-compat/tests/compat_tests/drf_jwt/test_policy.py"
    for what, name in (
        ("an impersonation", "test_an_impersonation_is_no_proof"),
        ("a copied token", "test_a_copy_of_a_token_is_no_proof"),
    ):
        report.by_test("S9", what, policy, name)


def s10_spellings(blog: Demo, report: Report) -> None:
    client = blog.client()
    names = []
    for number in range(32):
        # UPPER of U+0131 is 'I' on PostgreSQL, and "__iexact" compares with it.
        name = "".join("\u0131" if number >> bit & 1 else "i" for bit in range(5))
        names.append(f"{name}@example.com")
    answers = guess_all(client, names)
    report.line(
        "S10",
        "32 guesses for one address in 32 spellings (`i` or U+0131)",
        answers,
        Counter(answers) == {401: 20, 429: 12},
    )


FORGED = "2030-01-01 00:00:00,000 CRITICAL root: forged"


def s10_log_lines(blog: Demo, report: Report) -> None:
    client = blog.client()
    line = FORGED.replace(" ", "%20")
    statuses = [
        client.status(f"{path}%0A{line}%0D%0A{line}")
        for path in ("/api/token/", "/api/browser/login/", "/api/sessions/", "/")
    ]
    statuses.append(client.guess(f"x\n{FORGED}", 0))
    statuses.append(client.status("/api/browser/login/", {}, headers={"Sec-Fetch-Site": "x"}))
    forged = [one for one in re.split(r"[\r\n]", blog.log.read_text()) if one.startswith(FORGED)]
    report.line(
        "S10",
        "a line for the log, after `%0A` in a path and `\\n` in a name",
        statuses,
        not forged,
        figures=f"{len(forged)} forged lines",
        word="held",
    )
    report.by_test(
        "S10", "the path in our own log lines", "tests/test_security_log.py", "test_a_path"
    )
    for what, name in (
        ("`ip:port` in `X-Forwarded-For`", "test_forwarded_addresses"),
        (
            "`X-Forwarded-For` that is not configured",
            "test_a_proxy_that_is_not_configured_is_told_of_once",
        ),
    ):
        report.by_test("S10", what, "tests/test_throttling.py", name)


def s10_service_secret(blog: Demo, report: Report) -> None:
    secret = blog.environment["SERVICE_SECRET"]
    thief, service = blog.client(), blog.client()

    def ask(client: Client, secret: str) -> int:
        return client.status("/api/introspect/", "token=x", kind=FORM, service=("orders", secret))

    wrong = [ask(thief, f"{number:032}") for number in range(200)]
    right = ask(thief, secret)
    report.line(
        "S10",
        "200 wrong secrets of a service, then the right one",
        f"{told(wrong)}, then {right}",
        set(wrong) == {401, 429} and right == 429,
    )
    elsewhere = ask(service, secret)
    report.line(
        "S10", "the service itself, elsewhere", str(elsewhere), elsewhere == 200, word="accepted"
    )


ROUNDS = 12


def s10_two_at_once(blog: Demo, report: Report) -> None:
    client = blog.client()
    alive = []
    with ThreadPoolExecutor(2) as pool:
        for _ in range(ROUNDS):
            pairs = list(pool.map(client.sign_in, ["twice", "twice"]))
            answers = [client.status("/api/token/verify/", {"token": p["access"]}) for p in pairs]
            alive.append(answers.count(200))
    report.line(
        "S10",
        f"two sign-ins at once with `MAX_SESSIONS_PER_USER=1`, {ROUNDS} times",
        told(f"{number} left" for number in alive),
        set(alive) == {1},
        word="held",
    )


def s10_files_and_warnings(environment: dict[str, str], folder: Path, report: Report) -> None:
    keys = folder / "new-keys"
    made = run([*MANAGE, "ratchet", "keys", "new", "--dir", str(keys)], environment)
    modes = {stat.S_IMODE(file.stat().st_mode) for file in keys.iterdir()}
    report.line(
        "S10",
        "`ratchet keys new` under umask 022",
        f"exit {made.status}, files {', '.join(f'{mode:04o}' for mode in modes)}",
        made.status == 0 and not any(mode & 0o077 for mode in modes),
        word="held",
    )
    keys.chmod(0o777)
    # Without Valkey each of the demo's workers counts for itself.
    for what, command, warning in (
        ("a key directory of mode 0777", ["check", "--deploy"], "ratchet.W019"),
        ("the local-memory cache", ["check"], "ratchet.W006"),
    ):
        checked = run([*MANAGE, *command], environment, KEYS=str(keys), VALKEY_URL="")
        there = warning in checked.said
        back = f"`{warning}`" if there else "no warning"
        report.line("S10", f"{what}: `{' '.join(command)}`", back, there, word="reported")


def main(argv: list[str]) -> int:
    """Replay every attack, and return the exit status.

    Args:
        argv: `--table` prints the table of docs/security.md.
    """
    report = Report("--table" in argv)
    begun = time.monotonic()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ratchet-attacks-")))
        url = stack.enter_context(postgres())
        # One for all: clients never share a network. Started before clients take ports.
        given = {"VALKEY_URL": stack.enter_context(valkey())}
        pool = stack.enter_context(ThreadPoolExecutor(1))
        accounts, of_service = database(url, "accounts"), database(url, "service")
        new_key(folder / "keys", "ES256", time.time(), signs_from=time.time())
        keys = {"KEYS": str(folder / "keys"), "SERVICE_SECRET": secrets.token_urlsafe(32)}
        runs = s7_runs(demo_environment(of_service, "config.with_service", **given, **keys), pool)
        with demo(folder, demo_environment(accounts, ACCOUNTS, **given)) as blog:
            blog.add_users("factor", "customer", "victim", "copied", "iiiii")
            s1_large_bodies(blog, report, of_services=False)
            s1_one_name(blog, report)
            s3_password_alone(blog, report)
            s5_step_up(blog, report)
            s6_counters(blog, report)
            s8_files(blog, report)
            s9_auth_time(blog, report)
            s10_spellings(blog, report)
            s10_log_lines(blog, report)
        given |= keys
        with demo(folder, demo_environment(of_service, SERVICE, **given)) as blog:
            blog.add_users("robot", "introspected", "twice")
            s1_large_bodies(blog, report, of_services=True)
            with service_beside(blog, folder) as service:
                s2_many_sessions(blog, service, report)
            s4_introspection(blog, report)
            s10_service_secret(blog, report)
            s10_files_and_warnings(blog.environment, folder, report)
        given["REPLAY_OPTIONS"] = json.dumps({"MAX_SESSIONS_PER_USER": 1})
        with demo(folder, demo_environment(of_service, SERVICE, **given)) as blog:
            s10_two_at_once(blog, report)
        s7_secrets(runs, report)
    if report.as_table:
        report.table()
    print(
        f"\n{len(report.lines)} attacks, {report.failed} not held,"
        f" in {time.monotonic() - begun:.0f} s.",
        file=sys.stderr,
    )
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
