"""An authentication backend that takes its time."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.backends import ModelBackend


class SlowBackend(ModelBackend):
    """Lets a step of the story do something while somebody signs in."""

    def authenticate(self, request: Any, **credentials: Any) -> Any:
        user = super().authenticate(request, **credentials)
        if user is not None:
            meanwhile[0](user)
        return user


meanwhile: list[Callable[[Any], object]] = [lambda user: None]
