"""No message, log line, repr or error page repeats a value of a setting that may be a secret."""

import base64
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import fields
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from django.core.checks import run_checks
from django.core.management import call_command
from django.test import Client, RequestFactory, override_settings
from django.views.debug import ExceptionReporter
from joserfc import jwk

from drf_ratchet import checks
from drf_ratchet.conf import RatchetSettings, ratchet_settings
from drf_ratchet.issuer import issuer_verifier
from drf_ratchet.keyring import key_directory, keyring
from drf_ratchet.management.doctor import examine
from tests.sizes import few

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

_ED = ed25519.Ed25519PrivateKey.generate()
_RSA = rsa.generate_private_key(65537, 2048)
PEM = _ED.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
RSA_PEM = _RSA.private_bytes(
    Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()
).decode()
DER = _ED.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
LOCKED = _ED.private_bytes(
    Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"password")
).decode()
SSH = _ED.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
JWK = jwk.OKPKey.generate_key("Ed25519").as_dict(private=True)
OTHER = jwk.OKPKey.generate_key("Ed25519").as_dict(private=True)
SECRET = "Zm9yLXRoaXMtdGVzdC1hbG9uZS0wMTIzNDU2Nzg5"


def b64(raw: bytes | str) -> str:
    return base64.b64encode(raw.encode() if isinstance(raw, str) else raw).decode()


#: A key as people put it into a setting by mistake.
SHAPES: dict[str, Any] = {
    "PEM": PEM,
    "quoted": f'"{PEM}"',
    "quoted once more": f"'\"{PEM}\"'",
    "escaped line breaks": PEM.replace("\n", "\\n"),
    "quoted and escaped": json.dumps(PEM),
    "with a byte order mark": f"\ufeff{PEM}",
    "Windows line ends": PEM.replace("\n", "\r\n"),
    "on one line": PEM.replace("\n", " "),
    "without line breaks": PEM.replace("\n", ""),
    "with garbage after it": f"{PEM}garbage",
    "with the variable's name before it": f"JWT_KEY={PEM}",
    "cut off": PEM[:60],
    "without its first line": PEM.partition("\n")[2],
    "its body": "".join(PEM.split("\n")[1:-2]),
    "base64": b64(PEM),
    "base64 in lines": base64.encodebytes(PEM.encode()).decode(),
    "base64 twice": b64(b64(PEM)),
    "base64 of DER": b64(DER),
    "DER": DER.decode("latin-1"),
    "DER as bytes": DER,
    "PEM as bytes": PEM.encode(),
    "hexadecimal": DER.hex(),
    "encrypted": LOCKED,
    "OpenSSH": SSH,
    "RSA": RSA_PEM,
    "RSA, quoted": f"'{RSA_PEM}'",
    "RSA, base64": b64(RSA_PEM),
    "RSA as a path": Path(RSA_PEM),
    "two at once": PEM + RSA_PEM,
    "PEM as a path": Path(PEM),
    "base64 as a path": Path(b64(PEM)),
    "in a directory": f"/keys/{b64(PEM)}",
    "JWK": json.dumps(JWK),
    "JWK, quoted": f"'{json.dumps(JWK)}'",
    "JWK, escaped": json.dumps(json.dumps(JWK)),
    "JWK, base64": b64(json.dumps(JWK)),
    "JWK whose x is another's": json.dumps({**JWK, "x": OTHER["x"]}),
    "JWK, parsed": JWK,
    "JWK, parsed, whose x is another's": {**JWK, "x": OTHER["x"]},
    "JWK, cut off": json.dumps(JWK)[:-5],
    "JWK Set with a bad key": json.dumps({"keys": [JWK, {**JWK, "x": OTHER["x"]}]}),
    "JSON array": json.dumps([JWK]),
    "JSON string": json.dumps(SECRET),
    "secret as a JWK's alg": {**JWK, "alg": SECRET},
    "secret as a JWK's kid": {"kty": "oct", "k": SECRET, "kid": SECRET},
    "secret as a JWK's crv": {**JWK, "crv": SECRET},
    "secret as a JWK's times": {**JWK, "nbf": SECRET},
    "secret as a JWK's use": {**JWK, "use": SECRET, "key_ops": [SECRET]},
    "secret": SECRET,
    "secret with a NUL": f"{SECRET}\0",
    "short secret of a service": {"billing": SECRET[:20]},
    "secret as a name": {SECRET * 2: SECRET},
    "list": [PEM, b64(PEM)],
    "list of secrets": [SECRET],
    "tuple in a list": [(SECRET,)],
    "set": {SECRET},
    "address": f"redis://:{SECRET}@cache.example:6379/0",
    "credentials": {"issuer": "https://a.example", "auth": ("billing", SECRET), "leeway": -1},
    "credentials of another type": {"issuer": "https://a.example", "auth": SECRET},
    "credentials in an address": {"issuer": f"https://user:{SECRET}@a.example"},
    "credentials in a query": {"issuer": "http://a.example", "jwks_url": f"http://a?k={SECRET}"},
}
#: Those that `make test` tries as KEYS.
FEW = {
    *("PEM", "quoted", "on one line", "base64", "base64 of DER", "OpenSSH", "PEM as a path"),
    "JWK",
}
FEW |= {
    "JWK, base64",
    "JWK Set with a bad key",
    "secret",
    "secret as a JWK's kid",
    "address",
    "set",
}
OF_EACH_KIND = [
    SHAPES[shape] for shape in ("base64", "JWK, parsed", "secret", "list of secrets", "address")
]
SETTINGS = [field.name for field in fields(RatchetSettings)]


def texts(value: Any) -> Iterator[str]:
    """Every text that a value holds."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from texts(name)
            yield from texts(item)
    elif isinstance(value, (list, tuple, set)):
        for item in value:
            yield from texts(item)
    elif isinstance(value, bytes):
        yield repr(value)
        yield value.decode("latin-1")
    elif value is not None and not isinstance(value, (int, float)):
        yield str(value)


def given_away(value: Any, said: str) -> list[str]:
    """Return the pieces of a value that a text holds: any 20 characters in a row are found."""
    pieces = {text[at : at + 16] for text in texts(value) for at in range(0, len(text) - 15, 4)}
    known = ("-----BEGIN", "PRIVATE K", "https://a.example")
    return [piece for piece in pieces if piece in said and not any(word in piece for word in known)]


def told(call: Callable[[], Any]) -> str:
    """Return what a call says: its answer, or its error as Django's error page shows it.

    The page shows each function's local variables. Beside them it lists all settings, and hides
    what has KEY, SECRET, TOKEN, AUTH or the like in its name: that is Django's own.
    """
    try:
        return repr(call())
    except (Exception, SystemExit) as error:
        # Without this function, whose variables hold what was called.
        trace = error.__traceback__ and error.__traceback__.tb_next
        data = ExceptionReporter(None, type(error), error, trace).get_traceback_data()
        shown = [(frame["vars"], frame.get("exc_cause")) for frame in data["frames"]]
        return f"{error!r} {error} {error.__cause__!r} {error.__context__!r} {shown}"


@contextmanager
def everything_said() -> Iterator[StringIO]:
    """All that is printed and logged meanwhile."""
    said = StringIO()
    handler = logging.StreamHandler(said)
    logging.getLogger("drf_ratchet").addHandler(handler)
    with redirect_stdout(said), redirect_stderr(said):
        yield said
    logging.getLogger("drf_ratchet").removeHandler(handler)


CHECKS: list[Callable[[], Any]] = [getattr(checks, name) for name in checks.__all__]
COMMANDS: list[Callable[[], Any]] = [
    lambda: list(examine()),
    lambda: call_command("ratchet", "keys", "list"),
    lambda: call_command("ratchet", "keys", "new"),
    lambda: call_command("ratchet", "keys", "rotate", "--alg", "ES256"),
    lambda: call_command("ratchet", "doctor"),
]


@pytest.mark.parametrize("shape", few(SHAPES, FEW.__contains__))
def test_keys(tmp_path: Path, monkeypatch: Any, shape: str) -> None:
    monkeypatch.chdir(tmp_path)
    for value in (SHAPES[shape], [PEM, SHAPES[shape]]):
        with everything_said() as said, override_settings(DRF_RATCHET={"KEYS": value}, DEBUG=True):
            answers = [told(call) for call in (*CHECKS, keyring, key_directory, *COMMANDS)]
        # No directory is made that is called like a key.
        assert list(tmp_path.iterdir()) == []
        assert given_away(value, "".join([*answers, said.getvalue()])) == []


@pytest.mark.parametrize("name", [name for name in SETTINGS if name != "KEYS"])
def test_every_other_setting(name: str) -> None:
    values = SHAPES.values() if name in ("SERVICE_SECRETS", "VERIFIER") else OF_EACH_KIND
    for value in values:
        given = {"USER": "claims", name: value} if name == "VERIFIER" else {name: value}
        with everything_said() as said, override_settings(DRF_RATCHET=given):
            answers = [told(call) for call in (*CHECKS, ratchet_settings, keyring, issuer_verifier)]
        assert given_away(value, "".join([*answers, said.getvalue()])) == []


@pytest.mark.parametrize("shape", [key for key, value in SHAPES.items() if isinstance(value, str)])
def test_a_secret_in_place_of_a_name(shape: str) -> None:
    value = SHAPES[shape]
    with override_settings(DRF_RATCHET={value * 2: 1}):
        said = "".join(told(call) for call in (checks.check_settings, ratchet_settings))
    assert given_away(value, said) == []


@pytest.mark.parametrize("name", ["KEYS", "SERVICE_SECRETS"])
def test_the_settings_on_the_error_page(name: str) -> None:
    for value in OF_EACH_KIND:
        with override_settings(DRF_RATCHET={name: value}, DEBUG=True):
            request = RequestFactory().get("/")
            page = ExceptionReporter(request, None, None, None).get_traceback_html()
        assert "DRF_RATCHET" in page
        assert given_away(value, page) == []


@pytest.mark.parametrize("name", ["SECRET_KEY", "SECRET_KEY_FALLBACKS"])
def test_the_secret_key(name: str) -> None:
    for value in SHAPES.values():
        with everything_said() as said, override_settings(**{name: value}):
            places = (checks.check_secret_key, checks.check_secret_key_types, keyring)
            answers = [told(call) for call in places]
        assert given_away(value, "".join([*answers, said.getvalue()])) == []


@pytest.mark.parametrize("path", ["/.well-known/jwks.json", "/api/protected/"])
def test_the_error_page_of_a_request(path: str) -> None:
    """`runserver` starts without usable keys, so that a command can make them."""
    client = Client(raise_request_exception=False, headers={"Authorization": "Bearer a.b.c"})
    for value in (b64(PEM), f"x{PEM[:60]}", {**JWK, "x": OTHER["x"]}):
        with override_settings(DRF_RATCHET={"KEYS": value}, DEBUG=True):
            answer = client.get(path)
        page = answer.content.decode()
        assert answer.status_code == 500
        assert "DRF_RATCHET" in page
        assert given_away(value, page) == []


def test_a_whole_run_of_the_checks() -> None:
    """As `manage.py check --deploy` prints them, other packages' checks among them."""
    with override_settings(DRF_RATCHET={"KEYS": b64(PEM), "SERVICE_SECRETS": {"a": SECRET[:8]}}):
        found = run_checks(include_deployment_checks=True)
    said = "".join(f"{message!r} {message}" for message in found)
    assert "ratchet.E009" in said
    assert "DRF_RATCHET['KEYS'] is not a readable file or a PEM/JWK key." in said
    assert given_away(b64(PEM), said) == []


def test_what_is_looked_for_is_found() -> None:
    assert given_away(PEM, f"… {PEM} …")
    assert given_away({"a": [SECRET]}, SECRET[5:30])
    assert given_away(DER, repr(DER))
    assert not given_away(PEM, "-----BEGIN PRIVATE KEY-----")

    def leaks(key: str) -> None:
        raise ValueError("without it")

    assert given_away(PEM, told(lambda: leaks(PEM)))
