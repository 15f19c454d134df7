"""Settings of other packages, and what to write in ``DRF_RATCHET`` instead of them.

Used for hints only: a project that copies its old dict gets a hint for each setting.
"""

from collections.abc import Mapping

_KEYS = (
    "Use KEYS: a private key, or a directory that 'manage.py ratchet keys new' fills. The key "
    "decides the algorithm. Without KEYS, tokens are signed with HS256 under a key derived from "
    "SECRET_KEY."
)
_PUBLIC = (
    "Take it out: the public half comes with the private key of KEYS. A service that only verifies "
    "puts the public key itself into KEYS, or names the issuer in VERIFIER."
)
_TAKE_OUT = "Take it out: {}"
_SERIALIZER = (
    "Use SIGN_IN_SERIALIZER, a subclass of drf_ratchet.serializers.TokenObtainPairSerializer, for "
    "what a sign-in asks for. Claims of your own come from CLAIMS."
)
_OWN_VIEW = (
    "Take it out. To change an endpoint, set serializer_class on a subclass of its view in "
    "drf_ratchet.views and route it."
)
_SLIDING = (
    "Take it out: there are no sliding tokens. An access token lives for ACCESS_TOKEN_LIFETIME and "
    "is refreshed; a session lives for REFRESH_TOKEN_LIFETIME without a refresh, and for "
    "SESSION_LIFETIME at most."
)
_FIXED_CLAIM = "Take it out: the name of this claim is fixed. Add claims of your own with CLAIMS."
_COOKIE = (
    "Use COOKIE_NAME, COOKIE_SECURE and ACCESS_TOKEN_COOKIE, and include drf_ratchet.browser.urls."
)
_IN_MIGRATION = "Move it to {}, from where it is read while drf_ratchet_compat.{} is installed."

_SIMPLE_JWT: Mapping[str, str] = {
    "BLACKLIST_AFTER_ROTATION": _TAKE_OUT.format(
        "a refresh token that was rotated is never accepted again after ROTATION_GRACE."
    ),
    "UPDATE_LAST_LOGIN": _TAKE_OUT.format(
        "each sign-in sends user_logged_in, and Django then updates last_login."
    ),
    **dict.fromkeys(("ALGORITHM", "SIGNING_KEY", "TOKEN_BACKEND_CLASS"), _KEYS),
    "VERIFYING_KEY": _PUBLIC,
    "JWK_URL": (
        "Use VERIFIER with USER = 'claims', for tokens of another server with drf-ratchet: "
        "{'issuer': …, 'jwks_url': …}."
    ),
    "JSON_ENCODER": "Take it out: let CLAIMS return JSON types only.",
    "AUTH_HEADER_NAME": (
        "Take it out: tokens are read from the Authorization header. For another one, override "
        "get_claims in a subclass of drf_ratchet.authentication.JWTAuthentication."
    ),
    "AUTH_HEADER_TYPE": "Use AUTH_HEADER_TYPES, a list or tuple: ('Bearer',).",
    "USER_AUTHENTICATION_RULE": (
        "Use SIGN_IN_POLICY, which is called whenever a session is opened or refreshed. An "
        "inactive user is always refused."
    ),
    "CHECK_USER_IS_ACTIVE": _TAKE_OUT.format("an inactive user is always refused."),
    **dict.fromkeys(
        ("CHECK_REVOKE_TOKEN", "REVOKE_TOKEN_CLAIM"),
        _TAKE_OUT.format("a new password always ends the sessions opened under the old one."),
    ),
    **dict.fromkeys(
        ("ON_LOGIN_SUCCESS", "ON_LOGIN_FAILED"),
        "Take it out: connect a receiver to Django's user_logged_in or user_login_failed.",
    ),
    **dict.fromkeys(
        ("AUTH_TOKEN_CLASSES", "AUTH_TOKEN_CLASS"),
        "Take it out: access tokens authenticate requests, and nothing else does.",
    ),
    "TOKEN_USER_CLASS": "Use USER = 'claims': request.user is then made from the token alone.",
    **dict.fromkeys(("TOKEN_TYPE_CLAIM", "JTI_CLAIM"), _FIXED_CLAIM),
    **dict.fromkeys(
        (
            "SLIDING_TOKEN_LIFETIME",
            "SLIDING_TOKEN_REFRESH_LIFETIME",
            "SLIDING_TOKEN_REFRESH_EXP_CLAIM",
            "SLIDING_TOKEN_OBTAIN_SERIALIZER",
            "SLIDING_TOKEN_REFRESH_SERIALIZER",
        ),
        _SLIDING,
    ),
    "TOKEN_OBTAIN_SERIALIZER": _SERIALIZER,
    **dict.fromkeys(
        ("TOKEN_REFRESH_SERIALIZER", "TOKEN_VERIFY_SERIALIZER", "TOKEN_BLACKLIST_SERIALIZER"),
        _OWN_VIEW,
    ),
    "SECRET_KEY": (
        "Use KEYS for a key of your own. Without it, keys are derived from Django's SECRET_KEY."
    ),
    "LEGACY_KEYS": _IN_MIGRATION.format("SIMPLE_JWT", "simplejwt"),
}

_DRF_JWT: Mapping[str, str] = {
    **dict.fromkeys(("JWT_SECRET_KEY", "JWT_PRIVATE_KEY", "JWT_ALGORITHM"), _KEYS),
    "JWT_PUBLIC_KEY": _PUBLIC,
    "JWT_GET_USER_SECRET_KEY": (
        "Take it out. To sign a user out everywhere, call drf_ratchet.sessions.end_all_sessions."
    ),
    "JWT_EXPIRATION_DELTA": "Use ACCESS_TOKEN_LIFETIME.",
    "JWT_REFRESH_EXPIRATION_DELTA": "Use SESSION_LIFETIME, and REFRESH_TOKEN_LIFETIME.",
    "JWT_ALLOW_REFRESH": _TAKE_OUT.format("every session can be refreshed."),
    "JWT_AUDIENCE": "Use AUDIENCE.",
    "JWT_ISSUER": "Use ISSUER.",
    "JWT_LEEWAY": "Use LEEWAY, a timedelta.",
    "JWT_AUTH_HEADER_PREFIX": "Use AUTH_HEADER_TYPES, a list or tuple: ('JWT',).",
    **dict.fromkeys(
        ("JWT_PAYLOAD_HANDLER", "JWT_PAYLOAD_INCLUDE_USER_ID"),
        "Use CLAIMS for claims of your own, and USER_ID_CLAIM for a second name of 'sub'.",
    ),
    **dict.fromkeys(
        ("JWT_PAYLOAD_GET_USERNAME_HANDLER", "JWT_PAYLOAD_GET_USER_ID_HANDLER"),
        "Use USER_ID_FIELD: the field of the user model that 'sub' holds.",
    ),
    "JWT_RESPONSE_PAYLOAD_HANDLER": _OWN_VIEW,
    **dict.fromkeys(
        (
            "JWT_AUTH_COOKIE",
            "JWT_AUTH_COOKIE_DOMAIN",
            "JWT_AUTH_COOKIE_PATH",
            "JWT_AUTH_COOKIE_SECURE",
            "JWT_AUTH_COOKIE_SAMESITE",
        ),
        _COOKIE,
    ),
    **dict.fromkeys(
        ("JWT_VERIFY", "JWT_VERIFY_EXPIRATION"),
        _TAKE_OUT.format("signatures and times are always verified."),
    ),
    "JWT_TOKEN_ID": _TAKE_OUT.format("each access token has a jti."),
    "JWT_INSIST_ON_KID": _TAKE_OUT.format("each token names its key."),
    "JWT_DELETE_STALE_BLACKLISTED_TOKENS": (
        "Take it out: run 'manage.py ratchet prune' from cron. No token is stored."
    ),
    **dict.fromkeys(
        (
            "JWT_ENCODE_HANDLER",
            "JWT_DECODE_HANDLER",
            "JWT_IMPERSONATION_COOKIE",
            "JWT_AUTH_TOKEN_CLASSES",
            "JWT_GENERATION",
            "JWT_LEGACY_KEYS",
        ),
        _IN_MIGRATION.format("JWT_AUTH", "drf_jwt"),
    ),
}

_KNOX: Mapping[str, str] = {
    "TOKEN_TTL": "Use REFRESH_TOKEN_LIFETIME, and SESSION_LIFETIME for the longest.",
    "TOKEN_LIMIT_PER_USER": "Use MAX_SESSIONS_PER_USER.",
    **dict.fromkeys(
        ("AUTO_REFRESH", "AUTO_REFRESH_MAX_TTL", "MIN_REFRESH_INTERVAL"),
        "Take it out: each refresh extends a session by REFRESH_TOKEN_LIFETIME, up to "
        "SESSION_LIFETIME.",
    ),
    "AUTH_HEADER_PREFIX": "Use AUTH_HEADER_TYPES, a list or tuple: ('Token',).",
    "USER_SERIALIZER": _OWN_VIEW,
    **dict.fromkeys(
        ("SECURE_HASH_ALGORITHM", "AUTH_TOKEN_CHARACTER_LENGTH", "TOKEN_PREFIX", "TOKEN_MODEL"),
        "Take it out: tokens are signed and not stored.",
    ),
    "EXPIRY_DATETIME_FORMAT": "Use REST_FRAMEWORK['DATETIME_FORMAT'].",
}

_ALLAUTH: Mapping[str, str] = {
    **dict.fromkeys(("HEADLESS_JWT_PRIVATE_KEY", "HEADLESS_JWT_ALGORITHM"), _KEYS),
    "HEADLESS_JWT_ACCESS_TOKEN_EXPIRES_IN": "Use ACCESS_TOKEN_LIFETIME, a timedelta.",
    "HEADLESS_JWT_REFRESH_TOKEN_EXPIRES_IN": "Use REFRESH_TOKEN_LIFETIME, a timedelta.",
    "HEADLESS_JWT_AUTHORIZATION_HEADER_SCHEME": "Use AUTH_HEADER_TYPES, a list or tuple.",
    "HEADLESS_JWT_STATEFUL_VALIDATION_ENABLED": (
        "Use FRESHNESS: 'immediate' asks the database at each request."
    ),
    "HEADLESS_JWT_ROTATE_REFRESH_TOKEN": "Use ROTATE_REFRESH_TOKENS.",
}

_DJ_REST_AUTH: Mapping[str, str] = {
    **dict.fromkeys(
        (
            "JWT_AUTH_REFRESH_COOKIE",
            "JWT_AUTH_REFRESH_COOKIE_PATH",
            "JWT_AUTH_SECURE",
            "JWT_AUTH_SAMESITE",
            "JWT_AUTH_HTTPONLY",
            "JWT_AUTH_COOKIE_USE_CSRF",
            "JWT_AUTH_COOKIE_ENFORCE_CSRF_ON_UNAUTHENTICATED",
        ),
        _COOKIE,
    ),
    "USE_JWT": _TAKE_OUT.format("tokens are always JWTs."),
    "JWT_TOKEN_CLAIMS_SERIALIZER": "Use CLAIMS.",
    "JWT_SERIALIZER": _OWN_VIEW,
}

#: Maps the name of another package's setting to the hint.
INSTEAD: Mapping[str, str] = {
    name: f"It is a setting of {package}. {what}"
    for package, table in (
        ("dj-rest-auth", _DJ_REST_AUTH),
        ("django-allauth", _ALLAUTH),
        ("django-rest-knox", _KNOX),
        ("drf-jwt", _DRF_JWT),
        ("djangorestframework-simplejwt", _SIMPLE_JWT),
    )
    for name, what in table.items()
}
