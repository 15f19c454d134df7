"""The published key set, for ``include("drf_ratchet.well_known")`` at the root (RFC 8615)."""

import hashlib
import json
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import path
from django.views.decorators.http import require_safe

from drf_ratchet.bounds import conditional_response
from drf_ratchet.conf import ratchet_settings
from drf_ratchet.keyring import keyring


@login_not_required
@require_safe
def jwks(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
    """Return the public keys (RFC 7517 section 5); an empty set if the keys are symmetric.

    A key is published for ``KEY_PUBLISH_DELAY`` before it signs. That is longer than clients may
    cache this response.
    """
    body = json.dumps(keyring().access.published(), separators=(",", ":")).encode()
    response = HttpResponse(body, content_type="application/jwk-set+json")
    response["ETag"] = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    max_age = int(ratchet_settings().JWKS_MAX_AGE.total_seconds())
    response["Cache-Control"] = f"public, max-age={max_age}"
    return conditional_response(request, response)


urlpatterns = [path(".well-known/jwks.json", jwks, name="jwks")]
