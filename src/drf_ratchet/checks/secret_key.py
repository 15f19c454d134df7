"""Check that ``SECRET_KEY``, from which the signing keys are derived, cannot be guessed."""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.checks.security.base import SECRET_KEY_INSECURE_PREFIX
from django.core.exceptions import ImproperlyConfigured

#: Bytes. RFC 7518 section 3.2 demands 256 bits of an HS256 key.
SHORTEST = 32
#: One random key of 32 hexadecimal digits in many millions has fewer distinct digits.
FEWEST_DISTINCT = 8
#: Characters that must remain after words, repetitions and runs are removed.
FEWEST_UNEXPLAINED = 20

MAKE_ONE = (
    "Make a random one and keep it out of the repository: python -c 'import secrets; "
    "print(secrets.token_urlsafe(48))'. An attacker who knows it can sign in as any user. Remove "
    "public and guessable keys from SECRET_KEY_FALLBACKS too."
)

#: Words that occur in keys that people make up.
_WORDS = (
    "secret secrets password passwd passw0rd p4ssw0rd pass key keys token jwt hmac signing "
    "sign change changeme changethis replace replaceme please placeholder default example "
    "sample dummy fake todo fixme insecure unsafe secure security safe django drf rest "
    "framework ratchet python flask api app application web website site server service "
    "project backend frontend local localhost dev devel develop development prod production "
    "stage staging test tests testing demo foo bar baz foobar hello world qwerty qwertyuiop "
    "asdf asdfgh asdfghjkl zxcvbnm letmein welcome admin administrator root user users login "
    "master super very really long random string value some this that the and not for with "
    "from here only your our mine is my at be it in do of to me you please never use used "
    "using share must before deploy deploying alone longer than bytes characters"
)
# The longest first: "password" before "pass".
_WORD = re.compile("|".join(sorted(_WORDS.split(), key=len, reverse=True)))
_REPETITION = re.compile(r"(.{1,3}?)\1{2,}|(.{4,64}?)\2+", re.DOTALL)
_SHOWABLE = re.compile(r"[A-Za-z_]{1,30}")


@register(Tags.security)
def check_secret_key_types(**kwargs: Any) -> list[CheckMessage]:
    """Report E011: ``SECRET_KEY`` or a fallback is not a string or bytes."""
    from drf_ratchet.keyring import unusable_secrets

    try:
        wrong = unusable_secrets()
    except ImproperlyConfigured:
        return []  # SECRET_KEY is empty, which Django reports at the first use
    return [
        Error(
            problem,
            hint="An attacker can guess the text of None or of a masked value, and each single "
            "letter of a string. Leave out environment variables that are not set, and write a "
            "single fallback as a list.",
            id="ratchet.E011",
        )
        for problem in wrong.values()
    ]


@register(Tags.security, deploy=True)
def check_secret_key(**kwargs: Any) -> list[CheckMessage]:
    """Report E005: short. E006: guessable. E007: made by startproject. W005: used elsewhere."""
    return [problem for name, secret in _secrets() for problem in _problems(name, secret)]


def _secrets() -> Iterator[tuple[str, str]]:
    from drf_ratchet.keyring import unusable_secrets

    try:
        named: dict[str, Any] = {"SECRET_KEY": settings.SECRET_KEY}
        wrong = unusable_secrets()
    except ImproperlyConfigured:
        # SECRET_KEY is empty. Until it is set, the fallbacks do not matter.
        yield "SECRET_KEY", ""
        return
    if "SECRET_KEY_FALLBACKS" not in wrong:
        fallbacks = enumerate(settings.SECRET_KEY_FALLBACKS)
        # No key is derived from an empty fallback.
        named |= {f"SECRET_KEY_FALLBACKS[{index}]": one for index, one in fallbacks if one}
    for name, secret in named.items():
        if name not in wrong:  # E011 reports those
            yield name, _text(secret)


def _text(secret: object) -> str:
    return bytes(secret).decode("latin-1") if isinstance(secret, bytes) else str(secret)


def _problems(name: str, secret: str) -> Iterator[CheckMessage]:
    # One message per mistake: a shortened key of startproject is reported as E007 only.
    if secret.startswith(SECRET_KEY_INSECURE_PREFIX):
        yield Error(
            f"{name} was written into the settings file by startproject "
            f"('{SECRET_KEY_INSECURE_PREFIX}…').",
            hint=MAKE_ONE,
            id="ratchet.E007",
        )
    elif len(secret.encode(errors="surrogatepass")) < SHORTEST:
        yield Error(f"{name} is shorter than {SHORTEST} bytes.", hint=MAKE_ONE, id="ratchet.E005")
    elif is_guessable(secret):
        yield Error(
            f"{name} can be guessed: it consists of few different characters, of common words, or "
            "of repetitions.",
            hint=MAKE_ONE,
            id="ratchet.E006",
        )
    places = sorted(set(_places(secret)))
    if places:
        yield Warning(
            f"{name} is also used in other settings: {', '.join(places)}.",
            hint="An attacker who learns it there can sign tokens. Use a different secret for each "
            "purpose.",
            id="ratchet.W005",
        )


def is_guessable(secret: str) -> bool:
    """Return whether little remains of a secret after words, repetitions and runs are removed."""
    if len(set(secret)) < FEWEST_DISTINCT:
        return True
    left = _REPETITION.sub(r"\1\2", secret)
    left = _without_runs(left)
    return len(_WORD.sub("", re.sub(r"[\s_.,;:!?'-]", "", left.lower()))) < FEWEST_UNEXPLAINED


def _without_runs(secret: str) -> str:
    """Remove the rest of runs such as "abcdef", "98765" and "aaaa" after two characters."""
    kept = secret[:2]
    for first, second, third in zip(secret, secret[1:], secret[2:], strict=False):
        step = ord(second) - ord(first)
        if abs(step) > 1 or ord(third) - ord(second) != step:
            kept += third
    return kept


def _places(secret: str) -> Iterator[str]:
    """Yield the names of the settings that hold the same secret."""
    if len(secret) < 8:
        return  # E005 reports it, and values such as "" or "dev" occur in many settings
    holder: Any = settings
    for name in dir(settings):
        ours = name in ("SECRET_KEY", "SECRET_KEY_FALLBACKS")
        if name.isupper() and not ours and holder.is_overridden(name):
            yield from _within(getattr(settings, name), name, secret)


def _within(value: object, path: str, secret: str, depth: int = 8) -> Iterator[str]:
    if isinstance(value, (str, bytes)):
        text = _text(value)
        if secret in (text, _password_of(text)):
            yield path
    elif depth and isinstance(value, Mapping):
        for key, item in value.items():
            # A key may be a secret itself, so only keys that look like a name are shown.
            shown = repr(key) if isinstance(key, str) and _SHOWABLE.fullmatch(key) else "…"
            shown = "…" if isinstance(key, str) and secret in key else shown
            yield from _within(item, f"{path}[{shown}]", secret, depth - 1)
    elif depth and isinstance(value, (list, tuple, set, frozenset)):
        for item in value:
            yield from _within(item, f"{path}[…]", secret, depth - 1)


def _password_of(url: str) -> str | None:
    if "://" not in url:
        return None
    try:
        password = urlsplit(url).password
    except ValueError:
        return None
    return unquote(password) if password else None
