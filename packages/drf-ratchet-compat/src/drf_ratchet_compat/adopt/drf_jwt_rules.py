"""What differs for a project from drf-jwt or djangorestframework-jwt, by its settings."""

from datetime import timedelta
from typing import Any

from drf_ratchet_compat.adopt.findings import (
    LONG,
    Effect,
    Rule,
    atomic_requests,
    is_asymmetric,
    is_known,
    is_short,
    longer,
    ours,
    shows_own_secret,
)

#: What both packages have by default, as far as a rule asks for it.
DEFAULTS: dict[str, Any] = {
    "JWT_ALGORITHM": "HS256",
    "JWT_VERIFY": True,
    "JWT_VERIFY_EXPIRATION": True,
    "JWT_EXPIRATION_DELTA": timedelta(minutes=5),
    "JWT_REFRESH_EXPIRATION_DELTA": timedelta(days=7),
}

RULES = (
    Rule(
        Effect.SAME,
        "JWT_SECRET_KEY",
        lambda old: not shows_own_secret(old["JWT_SECRET_KEY"]),
        "is SECRET_KEY: old tokens are verified with it, new ones with keys derived from it. Do "
        "not change SECRET_KEY together with the move.",
    ),
    Rule(
        Effect.SAME,
        "JWT_SECRET_KEY",
        lambda old: shows_own_secret(old["JWT_SECRET_KEY"]),
        "is a key of its own: leave it in JWT_AUTH until the last old token has expired.",
    ),
    Rule(
        Effect.DIFFERS,
        "JWT_SECRET_KEY",
        lambda old: is_short(old["JWT_SECRET_KEY"], old["JWT_ALGORITHM"]),
        "is shorter than its algorithm needs (RFC 7518 section 3.2: as long as the hash). Old "
        "tokens are accepted all the same. Whoever guesses it signs in as anybody: take a longer "
        "one.",
    ),
    Rule(
        Effect.DIFFERS,
        "JWT_ALGORITHM",
        lambda old: is_asymmetric(old["JWT_ALGORITHM"]),
        "has a public key: see docs/keys.md for how the private one becomes DRF_RATCHET['KEYS'].",
    ),
    Rule(
        Effect.REFUSED,
        "JWT_ALGORITHM",
        lambda old: not is_known(old["JWT_ALGORITHM"]),
        "is none that drf-ratchet verifies: old tokens are refused.",
    ),
    Rule(
        Effect.REFUSED,
        "JWT_VERIFY = False",
        lambda old: not old["JWT_VERIFY"],
        "lets anybody in who can write a JSON object. Remove it.",
    ),
    Rule(
        Effect.REFUSED,
        "JWT_VERIFY_EXPIRATION = False",
        lambda old: not old["JWT_VERIFY_EXPIRATION"],
        "makes tokens that are good for ever. Remove it: tokens expire here. Give them a long "
        "JWT_EXPIRATION_DELTA if clients cannot refresh.",
    ),
    Rule(
        Effect.DIFFERS,
        "JWT_GET_USER_SECRET_KEY",
        lambda old: bool(old["JWT_GET_USER_SECRET_KEY"]),
        "a key for each user, mostly so that changing it signs the user out. Here that is "
        "end_all_sessions(user), and a new password does it.",
    ),
    Rule(
        Effect.DIFFERS,
        "JWT_EXPIRATION_DELTA",
        lambda old: longer(old["JWT_EXPIRATION_DELTA"], LONG),
        "is over an hour. In the old package nothing reaches such a token; here a logout does, at "
        'once with FRESHNESS "immediate" (the default), and not before it expires with "expiry".',
    ),
    Rule(
        Effect.DIFFERS,
        "JWT_REFRESH_EXPIRATION_DELTA",
        lambda old: longer(old["JWT_REFRESH_EXPIRATION_DELTA"], ours().SESSION_LIFETIME),
        "is longer than DRF_RATCHET['SESSION_LIFETIME'] ({session}), beyond which a session does "
        "not live. Set SESSION_LIFETIME as long as you want, or to None.",
    ),
    Rule(
        Effect.SAME,
        "JWT_AUTH_COOKIE",
        lambda old: bool(old["JWT_AUTH_COOKIE"]),
        "is read and written as now. drf_ratchet.browser keeps the refresh token from scripts, and "
        "other sites from using the cookie: see docs/browsers.md.",
    ),
    Rule(
        Effect.SAME,
        "ATOMIC_REQUESTS = True",
        atomic_requests,
        "is fine: the views that refresh and log out are outside of it.",
    ),
)
