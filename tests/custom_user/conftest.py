"""Each test here runs once for each user model and each ``FRESHNESS``.

Django takes one user model for each process, so the tests run in a process for each, and are
reported here by their own names: ``pytest tests/custom_user -k "uuid and bounded"`` finds them.
Nothing of tests/custom_user/models.py can be imported in the process of the whole run.
"""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from rest_framework.test import APIClient

from tests.custom_user.shapes import SHAPES, VARIABLE, Shape, this_shape
from tests.fixtures import PASSWORD, Tokens
from tests.in_its_own_process import run_item_elsewhere
from tests.sizes import few

FRESHNESS = ("immediate", "bounded", "expiry")
#: Those that `make test` runs.
SMALL = {"email", "bare"}
SETTINGS = "tests.custom_user.settings"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """``ONLY`` in a module names the models that its tests are for."""
    shapes = few(getattr(metafunc.module, "ONLY", SHAPES), SMALL.__contains__)
    metafunc.parametrize("shape", shapes, indirect=True)
    if "freshness" in metafunc.fixturenames:
        metafunc.parametrize("freshness", FRESHNESS, indirect=True)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """In the process of the whole run, have another one run the test."""
    if this_shape() or not _is_here(item):  # it is called for the whole run
        return None

    def shape_of(one: pytest.Item) -> str:
        return str(one.callspec.params["shape"])  # type: ignore[attr-defined]

    shape = shape_of(item)
    together = [one for one in item.session.items if _is_here(one) and shape_of(one) == shape]
    run_item_elsewhere(
        item, nextitem, together, f"custom-user-{shape}", SETTINGS, **{VARIABLE: shape}
    )
    return True


def _is_here(item: pytest.Item) -> bool:
    return item.path.parent == Path(__file__).parent


@pytest.fixture(autouse=True)
def shape(request: pytest.FixtureRequest) -> Shape:
    assert request.param == this_shape()
    return SHAPES[request.param]


@pytest.fixture
def freshness(request: pytest.FixtureRequest, settings: Any) -> str:
    """One of the three, with endings that are seen at once where they are seen at all."""
    chosen: str = request.param
    more = {"FRESHNESS": chosen, "FEED_INTERVAL": timedelta(0)}
    settings.DRF_RATCHET = {**settings.DRF_RATCHET, **more}
    return chosen


@pytest.fixture
def make(db: None, shape: Shape) -> Callable[..., Any]:
    """``make("alice")``: a saved user of that name."""

    def make(who: str, **more: Any) -> Any:
        model: Any = get_user_model()
        fields = {**shape.fields_of(who), **more}
        if shape.of_person:
            from tests.custom_user.models import Person

            fields["person"] = Person.objects.create(code=who)
        user = model(**{model.USERNAME_FIELD: shape.name_of(who)}, **fields)
        if shape.has_password:
            user.set_password(PASSWORD)
        user.save()
        return model._default_manager.get(pk=user.pk)

    return make


@pytest.fixture
def alice(make: Callable[..., Any]) -> Any:
    return make("alice")


@pytest.fixture
def bob(make: Callable[..., Any]) -> Any:
    return make("bob")


@pytest.fixture
def sign_in(api: APIClient, shape: Shape) -> Callable[..., Tokens]:
    def sign_in(who: str = "alice", password: str = PASSWORD) -> Tokens:
        field = get_user_model().USERNAME_FIELD
        answer = api.post("/api/token/", {field: shape.name_of(who), "password": password})
        assert answer.status_code == 200, answer.content
        return Tokens(**answer.json())

    return sign_in


@pytest.fixture
def tokens(alice: Any, sign_in: Callable[..., Tokens]) -> Tokens:
    """Alice's."""
    return sign_in()
