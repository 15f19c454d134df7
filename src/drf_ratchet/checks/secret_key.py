"""``SECRET_KEY``, which every token's key is derived from: can somebody guess it?"""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.checks.security.base import SECRET_KEY_INSECURE_PREFIX
from django.core.exceptions import ImproperlyConfigured

#: 256 bits if every byte is random: what RFC 7518 section 3.2 demands of an HS256 key.
SHORTEST = 32
#: Of 32 random hexadecimal digits, fewer than this are different once in many millions of keys.
FEWEST_DISTINCT = 8
#: So many characters must be left when words, repetitions and runs are taken out.
FEWEST_UNEXPLAINED = 20

MAKE_ONE = (
    "Make a random one and keep it out of the repository: python -c 'import secrets; "
    "print(secrets.token_urlsafe(48))'. An attacker who knows it can sign in as any user. Leave a "
    "key that is public or guessable out of SECRET_KEY_FALLBACKS too."
)

#: What is in the keys that people make up.
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
    """E011: what is no text cannot be a secret."""
    from drf_ratchet.keyring import unusable_secrets

    try:
        wrong = unusable_secrets()
    except ImproperlyConfigured:
        return []  # it is empty, and Django says it at the first use
    return [
        Error(
            problem,
            hint="An attacker can guess the text of None, of a value that masks itself, and each "
            "letter of a string. Leave out an environment variable that is not set, and write a "
            "single fallback as a list.",
            id="ratchet.E011",
        )
        for problem in wrong.values()
    ]


@register(Tags.security, deploy=True)
def check_secret_key(**kwargs: Any) -> list[CheckMessage]:
    """E005: short. E006: guessable. E007: made by startproject. W005: used elsewhere."""
    return [problem for name, secret in _secrets() for problem in _problems(name, secret)]


def _secrets() -> Iterator[tuple[str, str]]:
    from drf_ratchet.keyring import unusable_secrets

    try:
        named: dict[str, Any] = {"SECRET_KEY": settings.SECRET_KEY}
        wrong = unusable_secrets()
    except ImproperlyConfigured:
        # It is empty. As long as it is, the fallbacks do not matter.
        yield "SECRET_KEY", ""
        return
    if "SECRET_KEY_FALLBACKS" not in wrong:
        fallbacks = enumerate(settings.SECRET_KEY_FALLBACKS)
        # No key is derived from an empty one.
        named |= {f"SECRET_KEY_FALLBACKS[{index}]": one for index, one in fallbacks if one}
    for name, secret in named.items():
        if name not in wrong:  # E011 says it
            yield name, _text(secret)


def _text(secret: Any) -> str:
    return bytes(secret).decode("latin-1") if isinstance(secret, bytes) else str(secret)


def _problems(name: str, secret: str) -> Iterator[CheckMessage]:
    # One mistake, one message: a key of startproject's that was cut is still the one it wrote.
    if secret.startswith(SECRET_KEY_INSECURE_PREFIX):
        yield Error(
            f"{name} is one that startproject wrote into the settings file "
            f"('{SECRET_KEY_INSECURE_PREFIX}…').",
            hint=MAKE_ONE,
            id="ratchet.E007",
        )
    elif len(secret.encode(errors="surrogatepass")) < SHORTEST:
        yield Error(f"{name} is shorter than {SHORTEST} bytes.", hint=MAKE_ONE, id="ratchet.E005")
    elif is_guessable(secret):
        yield Error(
            f"{name} can be guessed: it is made of few different characters, of common words, or "
            "of repetitions.",
            hint=MAKE_ONE,
            id="ratchet.E006",
        )
    places = sorted(set(_places(secret)))
    if places:
        yield Warning(
            f"{name} is used elsewhere too: {', '.join(places)}.",
            hint="An attacker who learns it there can sign tokens. Give each purpose its own.",
            id="ratchet.W005",
        )


def is_guessable(secret: str) -> bool:
    """Whether little is left of it once what people make up is taken out."""
    if len(set(secret)) < FEWEST_DISTINCT:
        return True
    left = _REPETITION.sub(r"\1\2", secret)
    left = _without_runs(left)
    return len(_WORD.sub("", re.sub(r"[\s_.,;:!?'-]", "", left.lower()))) < FEWEST_UNEXPLAINED


def _without_runs(secret: str) -> str:
    """Without the rest of "abcdef", "98765" and "aaaa", from the third character on."""
    kept = secret[:2]
    for first, second, third in zip(secret, secret[1:], secret[2:], strict=False):
        step = ord(second) - ord(first)
        if abs(step) > 1 or ord(third) - ord(second) != step:
            kept += third
    return kept


def _places(secret: str) -> Iterator[str]:
    """The settings that hold the same secret, by name."""
    if len(secret) < 8:
        return  # E005 says what is wrong; and "" or "dev" is found in many places
    holder: Any = settings
    for name in dir(settings):
        ours = name in ("SECRET_KEY", "SECRET_KEY_FALLBACKS")
        if name.isupper() and not ours and holder.is_overridden(name):
            yield from _within(getattr(settings, name), name, secret)


def _within(value: Any, path: str, secret: str, depth: int = 8) -> Iterator[str]:
    if isinstance(value, (str, bytes)):
        text = _text(value)
        if secret in (text, _password_of(text)):
            yield path
    elif depth and isinstance(value, Mapping):
        for key, item in value.items():
            # A key may be a secret itself, so nothing is shown but what looks like a name.
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
