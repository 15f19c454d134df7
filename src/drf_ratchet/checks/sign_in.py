"""Check that all endpoints that sign users in require the same credentials."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.urls import get_resolver

from drf_ratchet.checks.settings import usable_settings
from drf_ratchet.conf import NAME, why_unimportable

#: Sign-in views of other packages. They issue tokens without calling SIGN_IN_POLICY.
_OTHERS = frozenset(
    {
        "rest_framework.authtoken.views.ObtainAuthToken",
        "rest_framework_jwt.views.ObtainJSONWebToken",
        "rest_framework_jwt.views.ObtainJSONWebTokenView",
        "rest_framework_simplejwt.views.TokenObtainPairView",
        "rest_framework_simplejwt.views.TokenObtainSlidingView",
    }
)
#: Serializers that require only a username and a password.
_PLAIN = frozenset(
    {
        "drf_ratchet.serializers.TokenObtainPairSerializer",
        "drf_ratchet_compat.simplejwt.serializers.TokenObtainPairSerializer",
        "drf_ratchet_compat.simplejwt.serializers.TokenObtainSlidingSerializer",
        "rest_framework.authtoken.serializers.AuthTokenSerializer",
        "rest_framework_jwt.serializers.JSONWebTokenSerializer",
        "rest_framework_simplejwt.serializers.TokenObtainPairSerializer",
        "rest_framework_simplejwt.serializers.TokenObtainSlidingSerializer",
    }
)
#: Requires the fields of SIGN_IN_SERIALIZER and responds in another shape.
_AS_SET = "drf_ratchet_compat.drf_jwt.serializers.JSONWebTokenSerializer"
#: Levels of include() that are followed. A URLconf that includes itself would never end.
_DEEPEST = 20


class Endpoint(NamedTuple):
    """An endpoint that signs users in by a password.

    Args:
        route: its path, as the URLconf writes it.
        serializer: the dotted path of the serializer that checks the credentials.
        asks_policy: whether it calls ``SIGN_IN_POLICY``.
    """

    route: str
    serializer: str
    asks_policy: bool

    def __str__(self) -> str:
        without = "" if self.asks_policy else ", without SIGN_IN_POLICY"
        return f"/{self.route} ({self.serializer}{without})"


@register(Tags.security)
def check_sign_in_settings(**kwargs: Any) -> list[CheckMessage]:
    """Report E002: ``SIGN_IN_SERIALIZER`` or ``SIGN_IN_POLICY`` is not usable."""
    return [
        Error(text, hint="Write a dotted path: 'app.module.name'.", id="ratchet.E002")
        for text in (_bad_path("SIGN_IN_SERIALIZER"), _bad_path("SIGN_IN_POLICY"), _bad_class())
        if text
    ]


def _bad_path(name: str) -> str:
    path = getattr(usable_settings(), name)
    problem = why_unimportable(path) if isinstance(path, str) else ""
    return problem and f"{NAME}[{name!r}] {problem}."


def _bad_class() -> str:
    from drf_ratchet.serializers import TokenObtainPairSerializer

    if _bad_path("SIGN_IN_SERIALIZER"):
        return ""
    named: Any = usable_settings().sign_in_serializer or TokenObtainPairSerializer
    if isinstance(named, type) and issubclass(named, TokenObtainPairSerializer):
        return ""
    return f"{NAME}['SIGN_IN_SERIALIZER'] is not a subclass of TokenObtainPairSerializer."


@register(Tags.security)
def check_sign_in_endpoints(**kwargs: Any) -> list[CheckMessage]:
    """Report W022: two endpoints take a password and require different credentials."""
    endpoints = list(sign_in_endpoints())
    asked = {_asked_by(endpoint.serializer) for endpoint in endpoints}
    policies = {endpoint.asks_policy for endpoint in endpoints}
    if len(asked) < 2 and (len(policies) < 2 or usable_settings().SIGN_IN_POLICY is None):
        return []
    return [
        Warning(
            "These endpoints take a password and require different credentials: "
            f"{', '.join(map(str, endpoints))}.",
            hint="An attacker needs to pass only the weakest of them. Set "
            "DRF_RATCHET['SIGN_IN_SERIALIZER'] to the serializer that requires everything. If the "
            "project has a sign-in view of its own, include drf_ratchet.session_urls instead of "
            "drf_ratchet.urls, and drf_ratchet.browser.session_urls instead of "
            "drf_ratchet.browser.urls.",
            id="ratchet.W022",
        )
    ]


def sign_in_endpoints() -> Iterator[Endpoint]:
    """Yield each endpoint of the URLconf whose serializer takes a password and signs users in."""
    try:
        callbacks: dict[str, Any] = {}
        for route, callback in _patterns(get_resolver(), "", 0):
            callbacks.setdefault(route, callback)  # the first pattern with a route wins
    except Exception:
        return  # Django's own check reports what is wrong with the URLconf
    for route, callback in callbacks.items():
        for view, given in _views(callback):
            ours = getattr(view, "signs_in", False) is True
            if ours or any(_name(each) in _OTHERS for each in view.__mro__):
                serializer = _serializer_of(view, given)
                if serializer is not None and _takes_password(serializer):
                    yield Endpoint(route, _name(serializer), ours)


def _patterns(resolver: Any, before: str, depth: int) -> Iterator[tuple[str, Any]]:
    if depth > _DEEPEST:
        return
    for pattern in resolver.url_patterns:
        route = f"{before}{getattr(pattern, 'pattern', '')}"
        if hasattr(pattern, "url_patterns"):
            yield from _patterns(pattern, route, depth + 1)
        elif getattr(pattern, "callback", None) is not None:
            yield route, pattern.callback


def _views(callback: object) -> Iterator[tuple[type[Any], dict[str, Any]]]:
    """Yield the class of a view and the arguments of ``as_view()``.

    A view of drf-jwt's bridge chooses between several classes: yield each of them.
    """
    given = getattr(callback, "initkwargs", None) or getattr(callback, "view_initkwargs", None)
    view = getattr(callback, "cls", None) or getattr(callback, "view_class", None)
    generations = getattr(callback, "generations", None)
    for each in generations.values() if isinstance(generations, dict) else (view,):
        if isinstance(each, type):
            yield each, given if isinstance(given, dict) else {}


def _serializer_of(view: type[Any], given: dict[str, Any]) -> type[Any] | None:
    """Return the view's serializer class; None if the view needs a request to choose it."""
    try:
        found = view(**given).get_serializer_class()
    except Exception:
        found = given.get("serializer_class", getattr(view, "serializer_class", None))
    return found if isinstance(found, type) else None


def _takes_password(serializer: type[Any]) -> bool:
    try:
        return "password" in serializer().fields
    except Exception:
        return True  # the serializer needs a request; assume a password


def _asked_by(serializer: str) -> str:
    """Return one name for all serializers that require the same credentials."""
    if serializer == _AS_SET:
        if _bad_path("SIGN_IN_SERIALIZER"):
            return ""  # E002 reports it
        named = usable_settings().sign_in_serializer
        return _asked_by(_name(named)) if isinstance(named, type) else ""
    return "" if serializer in _PLAIN else serializer


def _name(kind: type[Any]) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"
