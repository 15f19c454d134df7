"""The published key set, for ``include("drf_ratchet.well_known")`` at the root (RFC 8615)."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.views.decorators.http import require_safe

from drf_ratchet.keyring import keyring


@login_not_required
@require_safe
def jwks(request: HttpRequest) -> JsonResponse:
    """The public keys (RFC 7517 section 5): none where keys are symmetric."""
    return JsonResponse(keyring().access.published(), content_type="application/jwk-set+json")


urlpatterns = [path(".well-known/jwks.json", jwks, name="jwks")]
