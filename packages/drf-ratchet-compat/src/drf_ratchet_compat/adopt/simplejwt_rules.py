"""What differs for a project that comes from simplejwt, by its settings."""

from typing import Any

from django.conf import settings

from drf_ratchet_compat.adopt.findings import (
    LONG,
    Effect,
    Given,
    Rule,
    atomic_requests,
    is_asymmetric,
    is_known,
    is_short,
    longer,
    ours,
    shows_own_secret,
)
from drf_ratchet_compat.simplejwt.settings import DEFAULTS as THEIRS

#: Of simplejwt's own defaults, those that a rule asks for.
_ASKED_FOR = (
    *("ACCESS_TOKEN_LIFETIME", "REFRESH_TOKEN_LIFETIME"),
    *("ROTATE_REFRESH_TOKENS", "BLACKLIST_AFTER_ROTATION", "UPDATE_LAST_LOGIN", "ALGORITHM"),
    *("USER_ID_CLAIM", "TOKEN_TYPE_CLAIM", "JTI_CLAIM"),
    *("CHECK_REVOKE_TOKEN", "CHECK_USER_IS_ACTIVE"),
)
DEFAULTS: dict[str, Any] = {
    **{name: THEIRS[name] for name in _ASKED_FOR},
    # Under simplejwt's own name, which the project still has.
    "AUTH_TOKEN_CLASSES": ("rest_framework_simplejwt.tokens.AccessToken",),
}


def rotates(old: Given) -> bool:
    """Whether sessions turn: where used refresh tokens stay good there, they hold here.

    Args:
        old: what is set.
    """
    return bool(old["ROTATE_REFRESH_TOKENS"] and old["BLACKLIST_AFTER_ROTATION"])


RULES = (
    Rule(
        Effect.SAME,
        "ROTATE_REFRESH_TOKENS = False",
        lambda old: not old["ROTATE_REFRESH_TOKENS"],
        "sessions hold: a client keeps its refresh token, as now, and a logout ends it. A stolen "
        "one does not show; it would with True, for clients that store the refresh token they get.",
    ),
    Rule(
        Effect.DIFFERS,
        "ROTATE_REFRESH_TOKENS = True",
        rotates,
        "sessions turn: each refresh hands out the next token. The one just used is good for "
        "another ROTATION_GRACE (two tabs, a lost answer); used later it is a replay, and the "
        "session ends.",
    ),
    Rule(
        Effect.DIFFERS,
        "BLACKLIST_AFTER_ROTATION = False",
        lambda old: bool(old["ROTATE_REFRESH_TOKENS"]) and not old["BLACKLIST_AFTER_ROTATION"],
        "simplejwt leaves every used refresh token good until it expires, and some clients never "
        "look at the next one: so sessions hold here. Set it to True for sessions that turn. A "
        "device with several living tokens is listed once for each until they expire.",
    ),
    Rule(
        Effect.SAME,
        "UPDATE_LAST_LOGIN = True",
        lambda old: bool(old["UPDATE_LAST_LOGIN"]),
        "a sign-in writes last_login, as now.",
    ),
    Rule(
        Effect.DIFFERS,
        "UPDATE_LAST_LOGIN = False",
        lambda old: not old["UPDATE_LAST_LOGIN"],
        "simplejwt sends no user_logged_in. drf-ratchet's own views do, by which Django writes "
        "last_login; keep that in mind when you go on from the compat views to those.",
    ),
    Rule(
        Effect.SAME,
        "SIGNING_KEY",
        lambda old: (
            not shows_own_secret(old["SIGNING_KEY"]) and not is_asymmetric(old["ALGORITHM"])
        ),
        "is SECRET_KEY: old tokens are verified with it, new ones with keys derived from it. Do "
        "not change SECRET_KEY together with the move.",
    ),
    Rule(
        Effect.SAME,
        "SIGNING_KEY",
        lambda old: shows_own_secret(old["SIGNING_KEY"]),
        "is a key of its own: leave it in SIMPLE_JWT until the last old token has expired, so that "
        "those go on working.",
    ),
    Rule(
        Effect.DIFFERS,
        "SIGNING_KEY",
        lambda old: is_short(old["SIGNING_KEY"] or settings.SECRET_KEY, old["ALGORITHM"]),
        "is shorter than its algorithm needs (RFC 7518 section 3.2: as long as the hash). Old "
        "tokens are accepted all the same. Whoever guesses it signs in as anybody: take a longer "
        "one.",
    ),
    Rule(
        Effect.DIFFERS,
        "ALGORITHM",
        lambda old: is_asymmetric(old["ALGORITHM"]),
        "has a public key. Access tokens go on being signed with the private one, for services "
        "that verify them; refresh tokens become HMAC, under a key derived from SECRET_KEY, so "
        "that "
        "no such service can take one for an access token.",
    ),
    Rule(
        Effect.REFUSED,
        "ALGORITHM",
        lambda old: not is_known(old["ALGORITHM"]),
        "is none that drf-ratchet verifies: old tokens are refused.",
    ),
    Rule(
        Effect.REFUSED,
        "CHECK_USER_IS_ACTIVE = False",
        lambda old: not old["CHECK_USER_IS_ACTIVE"],
        "lets in users whom an administrator has switched off. Remove it: is_active counts here.",
    ),
    Rule(
        Effect.REFUSED,
        "JWK_URL",
        lambda old: bool(old["JWK_URL"]),
        "verifies what another server signs. That is ratchet_tokens.verifier's task: see "
        "docs/services.md.",
    ),
    Rule(
        Effect.DIFFERS,
        "ACCESS_TOKEN_LIFETIME",
        lambda old: longer(old["ACCESS_TOKEN_LIFETIME"], LONG),
        "is over an hour. In simplejwt a logout does not reach an access token; here it does, at "
        'once with FRESHNESS "immediate" (the default), and not before it expires with "expiry".',
    ),
    Rule(
        Effect.DIFFERS,
        "REFRESH_TOKEN_LIFETIME",
        lambda old: longer(old["REFRESH_TOKEN_LIFETIME"], ours().SESSION_LIFETIME),
        "is longer than DRF_RATCHET['SESSION_LIFETIME'] ({session}), beyond which a session does "
        "not live: old tokens from longer ago are not imported. Set SESSION_LIFETIME as long as "
        "you want, or to None, BEFORE you import.",
    ),
    Rule(
        Effect.DIFFERS,
        "REFRESH_TOKEN_LIFETIME",
        lambda old: (
            rotates(old)
            and ours().SESSION_LIFETIME is not None
            and not longer(old["REFRESH_TOKEN_LIFETIME"], ours().SESSION_LIFETIME)
        ),
        "is how long a session lives without a refresh, as now; and however often it is refreshed, "
        "its end is DRF_RATCHET['SESSION_LIFETIME'] after the sign-in ({session}).",
    ),
    Rule(
        Effect.DIFFERS,
        "CHECK_REVOKE_TOKEN = False",
        lambda old: not old["CHECK_REVOKE_TOKEN"],
        "in simplejwt tokens outlive a new password. Here a new password ends the user's sessions.",
    ),
    Rule(
        Effect.SAME,
        "USER_ID_CLAIM",
        lambda old: old["USER_ID_CLAIM"] != "sub",
        'access tokens carry it, and "sub" as well.',
    ),
    Rule(
        Effect.REFUSED,
        "JTI_CLAIM = None",
        lambda old: old["JTI_CLAIM"] is None,
        "old refresh tokens without an id cannot become sessions: their owners sign in once more.",
    ),
    Rule(
        Effect.DIFFERS,
        "AUTH_TOKEN_CLASSES",
        lambda old: any("Sliding" in str(each) for each in old["AUTH_TOKEN_CLASSES"]),
        "sliding tokens are not imported: each refresh changes what their session would be named "
        "by, and they live for minutes. They go on working and become sessions as they come.",
    ),
    Rule(
        Effect.SAME,
        "ATOMIC_REQUESTS = True",
        atomic_requests,
        "is fine: the views that refresh and log out are outside of it, so that the 401 that "
        "answers a replayed token does not roll back the ending of its session.",
    ),
)
