"""A site with one user, signed in, and what must be true of each of its answers."""

import json
import logging
import re
import time
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl

from django.contrib.auth.models import User
from rest_framework.response import Response
from rest_framework.test import APIClient

from drf_ratchet.keyring import keyring
from drf_ratchet.models import CutOff, Session
from drf_ratchet.sessions.opening import open_session
from ratchet_tokens import codec
from ratchet_tokens.claims import Kind
from tests.fixtures import PASSWORD, payload

#: So many characters of a secret in a row are a part of it, and no coincidence.
PART = 12
SECRET_FIELDS = ("password", "refresh", "token")
DAY = 24 * 3600
_OF_A_SECRET = re.compile(r"[\w.-]+", re.ASCII).fullmatch


class Recorder(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(logging.Formatter("%(message)s"))
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


class Site:
    """Alice is signed in. ``restore`` undoes what an attack has written."""

    def __init__(self) -> None:
        self.user = User.objects.create_user("fuzzed", password=PASSWORD)
        grant = open_session(self.user)
        assert grant.refresh is not None
        self.refresh = grant.refresh
        # As good as a real one, for longer than a night of fuzzing.
        said = payload(grant.access)
        self.access = codec.sign(
            {**said, "exp": said["iat"] + 6 * DAY}, keyring().access.signing, Kind.ACCESS
        )
        self._saved = Session.objects.get(pk=grant.session.pk)
        self._rows = list(Session.objects.values())
        self._true = {
            b"@ACCESS": self.access,
            b"@REFRESH": self.refresh,
            b"@PASSWORD": PASSWORD,
            b"@SESSION": str(self._saved.pk),
            b"@USER": str(self.user.pk),
            b"@NOW": str(int(time.time())),
            b"@LATER": str(int(time.time()) + 6 * DAY),
        }
        # One for all: each new client makes the middleware anew, which takes longer than a request.
        self.client = APIClient()
        self.log = Recorder()
        logging.getLogger().addHandler(self.log)

    def filled(self, data: bytes) -> bytes:
        """The input with the real tokens and so on in place of their names.

        An input that names them is good in the next run too, and a mutation does not break them.
        """
        for name, value in self._true.items():
            data = data.replace(name, value.encode())
        return data

    def restore(self) -> None:
        """Signed in as at first: whatever an input did, the next one finds the same site."""
        self.log.lines.clear()
        if list(Session.objects.values()) != self._rows:
            Session.objects.all().delete()
            CutOff.objects.all().delete()
            Session.objects.bulk_create([self._saved])

    def close(self) -> None:
        """Listen to the log no more."""
        logging.getLogger().removeHandler(self.log)

    def check(self, response: Response, sent: Iterable[str]) -> None:
        """An answer of the contract, and nothing secret in it or in the log.

        Args:
            response: the answer.
            sent: what the client sent that nobody else should see.
        """
        secrets = [self.access, self.refresh, PASSWORD, *sent]
        assert response.status_code < 500, f"answered with {response.status_code}"
        assert response["Content-Type"] == "application/json"
        assert response["Cache-Control"] == "no-store"
        body = response.json()
        assert isinstance(body, dict)
        if response.status_code != 200:
            _check_refusal(response, body)
            no_part_of(secrets, response.content.decode(), "the answer")
        assert response.has_header("WWW-Authenticate") == (response.status_code == 401)
        self.check_log(secrets)

    def check_log(self, secrets: Iterable[str]) -> None:
        """Nothing secret in the log."""
        no_part_of(secrets, "\n".join(self.log.lines), "the log")


def _check_refusal(response: Response, body: dict[str, Any]) -> None:
    assert 400 <= response.status_code < 500, f"answered with {response.status_code}"
    assert len(response.content) < 2000, "what was sent is not sent back"
    if response.status_code == 401:
        assert response["WWW-Authenticate"].startswith('Bearer realm="api"')
    if "detail" in body:
        assert {"detail", "code"} <= body.keys() <= {"detail", "code", "reason"}, body
        assert all(isinstance(text, str) for text in body.values()), body
    else:
        assert body, "field errors"
        assert body.keys() <= {"username", *SECRET_FIELDS, "non_field_errors"}, body
        assert all(texts and isinstance(texts, list) for texts in body.values()), body
        assert all(isinstance(text, str) for texts in body.values() for text in texts), body


def no_part_of(secrets: Iterable[str], said: str, where: str) -> None:
    """No ``PART`` characters in a row of any secret are in what was said."""
    # One search for each piece, and a separator that JSON and logs do not have.
    kept = "\0\0".join(secret for secret in secrets if len(secret) >= PART)
    for start in range(len(said) - PART + 1):
        piece = said[start : start + PART]
        # Tokens and our password are made of these. Other pieces are the answer's own punctuation,
        # which an input may have as well.
        if _OF_A_SECRET(piece):
            assert piece not in kept, f"{piece!r}, a secret's, is in {where}"


def secrets_in(body: bytes) -> list[str]:
    """The values of the secret fields of a body, be it JSON or a form."""
    try:
        values = json.loads(body)
    except (ValueError, RecursionError):
        pairs = parse_qsl(body.decode("latin-1"), keep_blank_values=True)
        values = dict(pairs)
    if not isinstance(values, dict):
        return []
    return [values[name] for name in SECRET_FIELDS if isinstance(values.get(name), str)]
