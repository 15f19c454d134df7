"""The catalogues of translations, and refusals in the language that a client asks for."""

import ast
import gettext
import io
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import django
import pytest
import rest_framework
from django.contrib.auth.models import User
from django.db import OperationalError
from django.db.models import F
from django.test import Client
from django.urls import include, path
from django.utils import timezone, translation
from rest_framework import exceptions as drf
from rest_framework.response import Response
from rest_framework.test import APIClient
from rest_framework.views import APIView

from config.urls import urlpatterns as blog
from drf_ratchet import exceptions
from drf_ratchet.permissions import RecentSignIn
from drf_ratchet.sessions import feed
from drf_ratchet.sessions.grant import mint_access
from ratchet_tokens.errors import DETAILS, Reason
from tests.admin.conftest import SESSIONS, client_of, make_session
from tests.fixtures import PASSWORD, Tokens
from tests.services.conftest import NAME, SECRET, basic
from tests.sizes import few
from tools import messages

pytestmark = pytest.mark.any_database

LANGUAGES = ("de", "es", "fr", "ja", "pt_BR", "zh_Hans")
#: Those in which `make test` asks for every refusal.
FEW = {"de", "pt_BR"}


@pytest.fixture(autouse=True)
def _english_again() -> Iterator[None]:
    """After a request its language stays with the thread, until the next request."""
    yield
    translation.deactivate()


# The catalogues


def test_there_are_six_and_each_is_complete() -> None:
    assert set(messages.languages()) >= set(LANGUAGES)
    assert messages.problems() == []


@pytest.fixture
def catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the German one, for mistakes to be put into."""
    monkeypatch.setattr(messages, "LOCALES", tmp_path)
    shutil.copytree(messages.SOURCE / "locale" / "de", tmp_path / "de")
    return messages.po_file("de")


EXPIRED = 'msgid "The token has expired."\nmsgstr "Das Token ist abgelaufen."\n'
ENDED = 'msgstr[1] "%(count)d Sitzungen wurden beendet."\n'
MISTAKES = {
    "missing": (EXPIRED, "", "not there: 'The token has expired.'"),
    "empty": (EXPIRED, EXPIRED.replace("Das Token ist abgelaufen.", ""), "not translated: 'The to"),
    "fuzzy": (EXPIRED, f"#, fuzzy\n{EXPIRED}", "not translated: 'The token has expired.'"),
    "stale": (EXPIRED, f'{EXPIRED}\nmsgid "Gone."\nmsgstr "Weg."\n', "no longer used: 'Gone.'"),
    "a plural form empty": (ENDED, 'msgstr[1] ""\n', "not translated: '%(count)d session was"),
    "a plural form without": (ENDED, 'msgstr[1] "Sitzungen"\n', "placeholders: '%(count)d session"),
    "a placeholder": ("%(program)s unter", "%(programm)s unter", "placeholders: '%(program)s"),
    "a setting": ("Ursprung in CSRF_TRUSTED_ORIGINS", "Ursprung", "placeholders: 'This request"),
    "the header": ("Language: de", "Language: fr", "is not as `make messages` writes it"),
    "not compiled": ("abgelaufen.", "verfallen.", "django.mo is not what django.po compiles to"),
}


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_found(catalogue: Path, mistake: tuple[str, str, str]) -> None:
    right, wrong, said = mistake
    before = catalogue.read_text(encoding="utf-8")
    assert right in before
    assert messages.problems() == []

    catalogue.write_text(before.replace(right, wrong), encoding="utf-8")

    assert [one for one in messages.problems() if said in one]


def test_a_text_keeps_its_translation_and_a_new_one_waits(catalogue: Path) -> None:
    texts = messages.texts()
    texts.add("The token has run out.")  # much like another: nothing is guessed

    written = messages.write("de", texts)

    assert messages.untranslated(written) == ["The token has run out."]
    assert EXPIRED in catalogue.read_text(encoding="utf-8")


def test_a_language_is_added(catalogue: Path) -> None:
    added = messages.write("it", messages.texts())

    assert messages.languages() == ["de", "it"]
    assert len(messages.untranslated(added)) == len(added)


@pytest.mark.parametrize("language", LANGUAGES)
def test_gettext_reads_what_was_compiled(language: str) -> None:
    compiled = gettext.GNUTranslations(
        io.BytesIO(messages.po_file(language).with_suffix(".mo").read_bytes())
    )
    for message in list(messages.read(language))[1:]:
        if isinstance(message.id, str):
            context = message.context
            read = (
                compiled.pgettext(context, message.id) if context else compiled.gettext(message.id)
            )
            assert read == message.string
        else:
            one, many = message.id
            forms = {compiled.ngettext(one, many, number) for number in range(100)}
            assert forms == set(message.string)


#: What people read stands behind these names, as an attribute, an argument or a key.
FOR_PEOPLE = {
    *("default_detail", "detail", "message", "title", "description", "search_help_text"),
    *("verbose_name", "verbose_name_plural", "help_text", "label"),
}
#: What they are raised with is the answer's detail.
REFUSALS = {
    name
    for module in (drf, exceptions)
    for name, kind in vars(module).items()
    if isinstance(kind, type) and issubclass(kind, drf.APIException)
}
#: English on purpose: docs/languages.md.
ENGLISH = (
    *("openapi", "management", "checks", "migrations"),
    *("ratchet_tokens/verifier", "drf_ratchet_compat/adopt"),
)


def plain_texts(source: str) -> list[str]:
    """The texts for people that no function marks for translation."""
    found: list[ast.expr] = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if name in FOR_PEOPLE:
                found.append(value)
            case ast.keyword(arg=str(name), value=value) if name in FOR_PEOPLE:
                found.append(value)
            case ast.Dict(keys=keys, values=values):
                for key, value in zip(keys, values, strict=True):
                    if isinstance(key, ast.Constant) and key.value in FOR_PEOPLE:
                        found.append(value)
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=[value, *_]):
                if name in REFUSALS:
                    found.append(value)
    return [ast.unparse(one) for one in found if " " in said_by(one)]


def said_by(value: ast.expr) -> str:
    """What a literal says, "" for anything else: a call of gettext, for one."""
    match value:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(map(said_by, parts))
    return ""


def test_no_text_for_people_is_left_unmarked() -> None:
    left = {}
    files = [
        (str(file.relative_to(root)), file)
        for root in (messages.SOURCE, *messages.SOURCES[1:])
        for file in root.rglob("*.py")
    ]
    for name, file in files:
        if not name.startswith(ENGLISH) and not name.endswith(("openapi.py", "described.py")):
            left[name] = plain_texts(file.read_text(encoding="utf-8"))
    assert {name: texts for name, texts in left.items() if texts} == {}


def test_an_unmarked_text_is_seen() -> None:
    assert plain_texts('default_detail = "Not now."') == ["'Not now.'"]
    assert plain_texts('body = {"detail": "Not now."}') == ["'Not now.'"]
    assert plain_texts('raise exceptions.ParseError("Not now.")') == ["'Not now.'"]
    assert plain_texts('raise ParseError(f"Not {this}.")') == ["f'Not {this}.'"]
    assert plain_texts('default_detail = _("Not now.")') == []


def others(language: str) -> set[str]:
    """The texts of which Django and DRF have a translation of their own."""
    roots = [Path(django.__file__).parent / "conf", Path(rest_framework.__file__).parent]
    roots += (Path(django.__file__).parent / "contrib").iterdir()
    found: set[str] = set()
    for root in roots:
        file = root / "locale" / language / "LC_MESSAGES" / "django.mo"
        if file.exists():
            theirs: Any = gettext.GNUTranslations(io.BytesIO(file.read_bytes()))
            found |= {text for text in theirs._catalog if isinstance(text, str)}
    return found


@pytest.mark.parametrize("language", few(LANGUAGES, FEW.__contains__))
def test_what_others_have_too_is_translated_whoever_comes_first(language: str) -> None:
    shared = {text for text in map(str, messages.texts()._messages) if text in others(language)}
    assert {"Password", "user"} <= shared
    with translation.override(translation.to_language(language)):
        same = {text for text in shared if translation.gettext(text) == text}
    # French says "session" as well.
    assert same <= {"session", "sessions"}


# Refusals, each over a request


@dataclass
class World:
    """What a request needs, and where the rules are changed."""

    api: APIClient
    tokens: Tokens
    settings: Any
    monkeypatch: pytest.MonkeyPatch

    def refresh(self, token: str | None = None, **headers: Any) -> Response:
        body = {"refresh": token or self.tokens.refresh}
        return self.api.post("/api/token/refresh/", body, **headers)

    def see(self, token: str | None = None) -> Response:
        return self.api.get(
            "/api/sessions/", HTTP_AUTHORIZATION=f"Bearer {token or self.tokens.access}"
        )

    def sign_in(self, username: str = "alice") -> Tokens:
        body = {"username": username, "password": PASSWORD}
        return Tokens(**self.api.post("/api/token/", body).json())

    def choose(self, **changes: Any) -> None:
        self.settings.DRF_RATCHET = {**self.settings.DRF_RATCHET, **changes}


@pytest.fixture
def world(api: APIClient, tokens: Tokens, settings: Any, monkeypatch: pytest.MonkeyPatch) -> World:
    settings.ROOT_URLCONF = __name__
    settings.DRF_RATCHET = {**settings.DRF_RATCHET, "SERVICE_SECRETS": {NAME: SECRET}}
    return World(api, tokens, settings, monkeypatch)


class Danger(APIView):
    permission_classes = (RecentSignIn(minutes=5),)

    def get(self, request: Any) -> Response:
        return Response({"done": True})


urlpatterns = [
    path("api/", include("drf_ratchet.services.urls")),
    path("danger/", Danger.as_view()),
    *blog,
]


def issued(world: World, ahead: timedelta) -> Response:
    session, at = world.tokens.session, timezone.now() + ahead
    access, _ = mint_access(session.user, session, at, at + timedelta(minutes=5), {})
    return world.see(access)


def wrong_issuer(world: World) -> Response:
    world.choose(ISSUER="https://issuer.example.com")
    return world.see()


def wrong_audience(world: World) -> Response:
    world.choose(AUDIENCE="somebody")
    return world.see()


def session_ended(world: World) -> Response:
    assert world.api.post("/api/logout/", {"refresh": world.tokens.refresh}).status_code == 200
    return world.see()


def reused(world: World) -> Response:
    assert world.refresh().status_code == 200
    world.tokens.session.__class__.objects.update(rotated_at=F("rotated_at") - timedelta(hours=1))
    return world.refresh()


def user_inactive(world: World) -> Response:
    User.objects.update(is_active=False)
    return world.see()


def password_changed(world: World) -> Response:
    User.objects.update(password="another")
    return world.see()


REASONS: dict[Reason, Callable[[World], Response]] = {
    Reason.MALFORMED: lambda world: world.see("no-token"),
    Reason.BAD_SIGNATURE: lambda world: world.see(world.tokens.access[:-8] + "AAAAAAAA"),
    Reason.WRONG_TYPE: lambda world: world.refresh(world.tokens.access),
    Reason.EXPIRED: lambda world: issued(world, -timedelta(hours=1)),
    Reason.NOT_YET_VALID: lambda world: issued(world, timedelta(hours=1)),
    Reason.WRONG_ISSUER: wrong_issuer,
    Reason.WRONG_AUDIENCE: wrong_audience,
    Reason.SESSION_ENDED: session_ended,
    Reason.REUSED: reused,
    Reason.USER_INACTIVE: user_inactive,
    Reason.PASSWORD_CHANGED: password_changed,
}


def busy(world: World) -> Response:
    def fail() -> Any:
        raise OperationalError

    world.monkeypatch.setattr(feed, "recent_endings", fail)
    world.choose(FRESHNESS="bounded")
    return world.api.get("/api/protected/", **world.tokens.bearer)


def throttled(world: World) -> Response:
    for _ in range(21):
        answer = world.api.post("/api/token/", {"username": "alice", "password": "wrong"})
    return answer


def different_users(world: World) -> Response:
    User.objects.create_user("bob", password=PASSWORD)
    body = {"refresh": world.sign_in("bob").refresh}
    return world.api.post("/api/logout/", body, **world.tokens.bearer)


def different_sessions(world: World) -> Response:
    body = {"refresh": world.sign_in().refresh, "password": PASSWORD}
    return world.api.post("/api/step-up/", body, **world.tokens.bearer)


def reauthentication_required(world: World) -> Response:
    world.tokens.session.__class__.objects.update(auth_time=F("auth_time") - timedelta(hours=1))
    access = world.refresh().json()["access"]
    return world.api.get("/danger/", HTTP_AUTHORIZATION=f"Bearer {access}")


def post(world: World, body: str, content_type: str = "application/json") -> Response:
    return world.api.generic("POST", "/api/token/", body, content_type=content_type)


#: code and status, the English text (DRF's own as well), and how to come by it.
CODES: list[tuple[str, int, Any, Callable[[World], Response]]] = [
    (
        "no_active_account",
        401,
        exceptions.NoActiveAccount.default_detail,
        lambda world: world.api.post("/api/token/", {"username": "alice", "password": "wrong"}),
    ),
    (
        "bad_idempotency_key",
        400,
        exceptions.BadIdempotencyKey.default_detail,
        lambda world: world.refresh(HTTP_IDEMPOTENCY_KEY="two words"),
    ),
    (
        "reauthentication_required",
        401,
        exceptions.ReauthenticationRequired.default_detail,
        reauthentication_required,
    ),
    ("busy", 503, exceptions.Busy.default_detail, busy),
    (
        "body_too_large",
        413,
        exceptions.BodyTooLarge.default_detail,
        lambda world: post(world, "x" * 3_000_000),
    ),
    (
        "unsupported_media_type",
        415,
        exceptions.UnknownContentType.default_detail,
        lambda world: post(world, "x", "text/plain"),
    ),
    ("parse_error", 400, "The JSON is nested too deeply.", lambda world: post(world, "[" * 99_999)),
    (
        "different_users",
        400,
        "The refresh token and the access token are of different users.",
        different_users,
    ),
    (
        "different_sessions",
        400,
        "The refresh token and the access token are of two sessions.",
        different_sessions,
    ),
    (
        "cross_site",
        403,
        "This request does not come from a page of this site. If it should be allowed, add its "
        "origin to CSRF_TRUSTED_ORIGINS.",
        lambda world: world.api.post("/api/browser/refresh/", HTTP_ORIGIN="https://example.net"),
    ),
    (
        "cookie_refused",
        403,
        exceptions.CookieRefused.default_detail,
        lambda world: world.api.post(
            "/api/browser/refresh/",
            HTTP_SEC_FETCH_SITE="same-origin",
            HTTP_SEC_FETCH_STORAGE_ACCESS="none",
        ),
    ),
    (
        "invalid_client",
        401,
        "This is for services that authenticate by HTTP Basic.",
        lambda world: world.api.post("/api/introspect/"),
    ),
    (
        "no_public_key",
        404,
        "There is no public key that a service could verify this list with. Set "
        "DRF_RATCHET['KEYS'] on the server that signs; manage.py ratchet keys new makes a key.",
        lambda world: world.api.get("/api/ended-sessions/", **basic()),
    ),
    ("throttled", 429, drf.Throttled.default_detail, throttled),
    (
        "not_authenticated",
        401,
        drf.NotAuthenticated.default_detail,
        lambda world: world.api.get("/api/sessions/"),
    ),
    (
        "not_found",
        404,
        drf.NotFound.default_detail,
        lambda world: world.api.delete("/api/sessions/none/", **world.tokens.bearer),
    ),
]


def tag(language: str) -> str:
    """As clients and answers name a language."""
    return translation.to_language(language)


@pytest.mark.django_db
@pytest.mark.parametrize("language", few(LANGUAGES, FEW.__contains__))
@pytest.mark.parametrize("reason", Reason)
def test_a_refused_token(world: World, reason: Reason, language: str) -> None:
    world.api.credentials(HTTP_ACCEPT_LANGUAGE=tag(language))
    answer = REASONS[reason](world)

    translated = messages.read(language).get(DETAILS[reason])
    assert translated is not None
    assert answer.json() == {
        "detail": translated.string,
        "code": "token_not_valid",
        "reason": reason.value,
    }
    assert answer["Content-Language"] == tag(language)
    assert "Accept-Language" in answer["Vary"]


@pytest.mark.django_db
@pytest.mark.parametrize("language", few(LANGUAGES, FEW.__contains__))
@pytest.mark.parametrize("case", CODES, ids=[case[0] for case in CODES])
def test_another_refusal(
    world: World, case: tuple[str, int, Any, Callable[[World], Response]], language: str
) -> None:
    code, status, english, make = case
    world.api.credentials(HTTP_ACCEPT_LANGUAGE=tag(language))
    answer = make(world)

    assert answer.status_code == status, answer.content
    assert answer.json()["code"] == code
    with translation.override("en"):
        english = str(english)
    ours = messages.read(language).get(english)
    with translation.override(tag(language)):
        expected = str(ours.string) if ours else translation.gettext(english)
    assert expected != english
    # DRF says behind it how long to wait.
    assert answer.json()["detail"].startswith(expected)
    assert answer["Content-Language"] == tag(language)


@pytest.mark.django_db
@pytest.mark.parametrize("asked", ["", "en", "en-GB", "tlh", "xx, en;q=0.5"])
def test_english_stays_as_it_was(world: World, asked: str) -> None:
    world.api.credentials(**({"HTTP_ACCEPT_LANGUAGE": asked} if asked else {}))
    for reason in (Reason.MALFORMED, Reason.SESSION_ENDED):
        assert REASONS[reason](world).json()["detail"] == DETAILS[reason]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("asked", "language"),
    [("de-AT", "de"), ("zh-CN", "zh_Hans"), ("fr-CA, en;q=0.8", "fr"), ("xx, ja;q=0.5", "ja")],
)
def test_what_browsers_ask_for(world: World, asked: str, language: str) -> None:
    world.api.credentials(HTTP_ACCEPT_LANGUAGE=asked)
    translated = messages.read(language).get(DETAILS[Reason.MALFORMED])
    assert translated is not None
    assert world.see("no-token").json()["detail"] == translated.string


@pytest.mark.django_db
def test_logging_out(world: World) -> None:
    world.api.credentials(HTTP_ACCEPT_LANGUAGE="es")
    answer = world.api.post("/api/logout/", {"refresh": world.tokens.refresh})
    assert answer.json() == {"detail": "Se ha cerrado la sesión."}


# The admin


@pytest.fixture
def admin(db: None) -> Client:
    client = client_of(User.objects.create_superuser("root"))
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "de"
    return client


def test_the_admin_in_german(admin: Client, alice: User) -> None:
    session = make_session(alice)

    page = admin.get(SESSIONS).content.decode()
    for words in (
        "Anmeldesitzungen", "Firefox unter Windows", "letzte Erneuerung", "Aktiv",
        "Ausgewählte Sitzungen beenden", "Schlüssel",
    ):  # fmt: skip
        assert words in page
    assert "Diese Sitzung beenden" in admin.get(f"{SESSIONS}{session.pk}/change/").content.decode()
    assert "Im veröffentlichten Schlüsselsatz" in admin.get(f"{SESSIONS}keys/").content.decode()

    body = {"action": "end_selected", "_selected_action": [str(session.pk)], "index": "0"}
    answer = admin.post(SESSIONS, body, follow=True).content.decode()
    assert "1 Sitzung wurde beendet." in answer
    assert "Beendet: Von der Verwaltung beendet" in answer
