"""Check the settings of DRF's browsable API where drf-ratchet's cookies sign people in to it."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register
from django.urls import NoReverseMatch, Resolver404, get_script_prefix, resolve, reverse

# Dotted paths, because only drf_ratchet.browser may import from drf_ratchet.browser.
_AUTHENTICATION = "drf_ratchet.browser.authentication.BrowsableAPIAuthentication"
_MIDDLEWARE = "drf_ratchet.browser.middleware.BrowsableAPIMiddleware"
_LOGIN = "drf_ratchet.browser.page_views.LoginPage"


@register(Tags.security)
def check_browsable_middleware(**kwargs: Any) -> list[CheckMessage]:
    """Report W017: nothing refreshes the access token of the browsable API."""
    if not signs_people_in() or _MIDDLEWARE in settings.MIDDLEWARE:
        return []
    return [
        Warning(
            "BrowsableAPIAuthentication is in REST_FRAMEWORK['DEFAULT_AUTHENTICATION_CLASSES'] and "
            "BrowsableAPIMiddleware is not in MIDDLEWARE.",
            hint="People are signed out of the browsable API when their access token expires. Add "
            f"'{_MIDDLEWARE}' at the end of MIDDLEWARE.",
            id="ratchet.W017",
        )
    ]


@register(Tags.security)
def check_browsable_login(**kwargs: Any) -> list[CheckMessage]:
    """Report W018: the browsable API links to another sign-in page, or to none."""
    if not signs_people_in() or _is_ours():
        return []
    return [
        Warning(
            "BrowsableAPIAuthentication is in REST_FRAMEWORK['DEFAULT_AUTHENTICATION_CLASSES'] and "
            "the URL rest_framework:login is not drf-ratchet's.",
            hint="DRF's pages link to that name. 'rest_framework.urls' signs people in to a Django "
            "session, which BrowsableAPIAuthentication ignores. Include "
            "'drf_ratchet.browser.browsable_urls' instead.",
            id="ratchet.W018",
        )
    ]


def signs_people_in() -> bool:
    """Return whether BrowsableAPIAuthentication is a default authentication class."""
    from rest_framework.settings import api_settings

    try:
        classes: list[Any] = list(api_settings.DEFAULT_AUTHENTICATION_CLASSES or ())
    except ImportError:
        return False  # DRF reports it at the first use
    return any(_is_a(one, _AUTHENTICATION) for one in classes)


def _is_ours() -> bool:
    try:
        # With FORCE_SCRIPT_NAME the URL has a prefix that resolve() does not expect.
        path = reverse("rest_framework:login").removeprefix(get_script_prefix())
        view = resolve(f"/{path}").func
    except (NoReverseMatch, Resolver404):
        return False
    return _is_a(getattr(view, "cls", object), _LOGIN)


def _is_a(kind: type, name: str) -> bool:
    return any(f"{one.__module__}.{one.__qualname__}" == name for one in kind.__mro__)
