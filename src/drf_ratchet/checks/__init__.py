"""System checks: report wrong settings before the server starts.

Each check has an id and a section in ``docs/checks.md``. Deployment checks run only with
``manage.py check --deploy``. Silence a check by its id in ``SILENCED_SYSTEM_CHECKS``. No message
shows a value that may be secret. Importing this package registers all checks.
"""

from drf_ratchet.checks.browsable import check_browsable_login, check_browsable_middleware
from drf_ratchet.checks.claims import check_claims
from drf_ratchet.checks.cookies import check_csrf_cookie, check_secure_cookies
from drf_ratchet.checks.databases import check_databases
from drf_ratchet.checks.keys import check_key_files, check_keys
from drf_ratchet.checks.network import check_https, check_number_of_proxies, check_proxies
from drf_ratchet.checks.other_apps import check_authenticators, check_cors
from drf_ratchet.checks.secret_key import check_secret_key, check_secret_key_types
from drf_ratchet.checks.sessions import check_limit
from drf_ratchet.checks.settings import check_choices, check_settings
from drf_ratchet.checks.sign_in import check_sign_in_endpoints, check_sign_in_settings
from drf_ratchet.checks.tenants import check_tenants
from drf_ratchet.checks.throttles import (
    check_cache,
    check_cache_counts,
    check_rates,
    check_rates_are_on,
    check_scopes,
)
from drf_ratchet.checks.user_id import check_user_id

__all__ = [
    "check_authenticators",
    "check_browsable_login",
    "check_browsable_middleware",
    "check_cache",
    "check_cache_counts",
    "check_choices",
    "check_claims",
    "check_cors",
    "check_csrf_cookie",
    "check_databases",
    "check_https",
    "check_key_files",
    "check_keys",
    "check_limit",
    "check_number_of_proxies",
    "check_proxies",
    "check_rates",
    "check_rates_are_on",
    "check_scopes",
    "check_secret_key",
    "check_secret_key_types",
    "check_secure_cookies",
    "check_settings",
    "check_sign_in_endpoints",
    "check_sign_in_settings",
    "check_tenants",
    "check_user_id",
]
