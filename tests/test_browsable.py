"""What DRF makes of the views by itself: the answer to OPTIONS, and the browsable API's pages."""

import pytest
from rest_framework.test import APIClient

from tests.fixtures import Tokens

URLS = [
    "/api/token/",
    "/api/token/refresh/",
    "/api/token/verify/",
    "/api/logout/",
    "/api/logout/all/",
    "/api/sessions/",
    "/api/sessions/01a2009a-b9d1-76a6-a5f8-6cb3d192eb20/",
    "/api/step-up/",
]


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize("accept", ["application/json", "text/html"])
def test_options_says_what_a_view_takes(
    api: APIClient, tokens: Tokens, url: str, accept: str
) -> None:
    answer = api.options(url, HTTP_ACCEPT=accept, **tokens.bearer)
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith(accept)


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize("method", ["get", "post", "delete"])
def test_every_answer_can_be_a_page(api: APIClient, tokens: Tokens, url: str, method: str) -> None:
    answer = getattr(api, method)(url, HTTP_ACCEPT="text/html", **tokens.bearer)
    assert answer.status_code in {200, 400, 404, 405}
    assert answer["Content-Type"].startswith("text/html")
