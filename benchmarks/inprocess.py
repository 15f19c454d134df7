"""The project of all packages in this very process, and requests to it without a network."""

from __future__ import annotations

import io
import json
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import database
from peers import PASSWORD, USERNAME, path_of

USER_AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
Call = Callable[[], bytes]


@contextmanager
def project() -> Iterator[str]:
    """Configure Django for ``peers.together`` on a new PostgreSQL, with its tables and a user.

    Once in a process. Yields the database's URL.
    """
    with database.postgres() as url:
        os.environ["DATABASE_URL"] = url
        os.environ.setdefault("SECRET_KEY", secrets.token_urlsafe(48))
        from peers import project

        project.main("together")
        try:
            yield url
        finally:
            from django.db import connections

            connections.close_all()


def get(path: str, authorization: str = "", cookie: str = "") -> Call:
    """A function that makes one GET request through the whole of Django and returns the body.

    Raises, when called, RuntimeError for every status but 200.
    """
    own = {"HTTP_AUTHORIZATION": authorization, "HTTP_COOKIE": cookie}
    environ = {**_ENVIRON, "PATH_INFO": path, **{k: v for k, v in own.items() if v}}
    return lambda: _answer({**environ, "wsgi.input": io.BytesIO()})


def post(path: str, body: Mapping[str, str]) -> dict[str, Any]:
    """The JSON answer to a POST request.

    Raises:
        RuntimeError: the status is not 200.
    """
    raw = json.dumps(body).encode()
    environ = {
        **_ENVIRON,
        "REQUEST_METHOD": "POST",
        "PATH_INFO": path,
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(raw)),
        "wsgi.input": io.BytesIO(raw),
    }
    answer: dict[str, Any] = json.loads(_answer(environ))
    return answer


_ENVIRON = {
    "REQUEST_METHOD": "GET",
    "SCRIPT_NAME": "",
    "QUERY_STRING": "",
    "SERVER_NAME": "127.0.0.1",
    "SERVER_PORT": "80",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "REMOTE_ADDR": "127.0.0.1",
    "HTTP_HOST": "127.0.0.1",
    "HTTP_ACCEPT": "application/json",
    "HTTP_USER_AGENT": USER_AGENT,
    "wsgi.url_scheme": "http",
    "wsgi.multithread": True,
    "wsgi.multiprocess": True,
    "wsgi.run_once": False,
    "wsgi.errors": io.StringIO(),
}


def _answer(environ: dict[str, Any]) -> bytes:
    from peers.together import application

    seen: list[str] = []
    response = application(environ, lambda status, headers: seen.append(status))
    body = b"".join(response)
    response.close()
    if not seen[0].startswith("200"):
        raise RuntimeError(f"{environ['PATH_INFO']} answered {seen[0]}: {body[:500]!r}")
    return body


def ways() -> dict[str, Call]:
    """A request to the bare view, called "a bare view", and one of each way to sign it in."""
    from datetime import timedelta

    from django.conf import settings
    from django.contrib.auth import (
        BACKEND_SESSION_KEY,
        HASH_SESSION_KEY,
        SESSION_KEY,
        get_user_model,
    )
    from django.contrib.sessions.backends.db import SessionStore
    from drf_sessions.services import SessionService
    from knox.models import get_token_model
    from rest_framework_jwt.authentication import JSONWebTokenAuthentication as DRFJWT

    credentials = {"username": USERNAME, "password": PASSWORD}
    user = get_user_model()._default_manager.get(username=USERNAME)
    hour = timedelta(hours=1)
    ours = f"Bearer {post('/api/token/', credentials)['access']}"
    of_django = SessionStore()
    of_django[SESSION_KEY] = str(user.pk)
    of_django[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    of_django[HASH_SESSION_KEY] = user.get_session_auth_hash()
    of_django.save()
    simplejwt = post("/simplejwt/token/", credentials)["access"]
    headers = {
        "an authenticator that does nothing": ours,
        "drf-ratchet, bounded": ours,
        "drf-ratchet, expiry": ours,
        "drf-ratchet, immediate": ours,
        "djangorestframework-simplejwt": f"Bearer {simplejwt}",
        "drf-jwt": f"Bearer {DRFJWT.jwt_encode_payload(DRFJWT.jwt_create_payload(user))}",
        "django-rest-knox": f"Token {get_token_model().objects.create(user, expiry=hour)[1]}",
        "drf-sessions": f"Bearer {SessionService.create_header_session(user=user).access_token}",
    }
    made = {name: get(path_of(name), header) for name, header in headers.items()}
    cookie = f"{settings.SESSION_COOKIE_NAME}={of_django.session_key}"
    session = {"Django's session": get(path_of("Django's session"), cookie=cookie)}
    return {"a bare view": get(path_of("")), **made, **session}


def queries_in(call: Callable[[], object]) -> int:
    """How many statements a call sends, BEGIN and COMMIT among them: round trips."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    call()  # what is read once in a while has been
    with CaptureQueriesContext(connection) as captured:
        call()
    return len(captured)
