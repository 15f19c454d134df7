"""Signed by the right key and wrong all the same; and what is no token at all.

Somebody else may have the key (a second service, an older version of this one), and nothing that
they sign may be anything but accepted or refused.
"""

import json
from typing import Any

import pytest

from ratchet_tokens import codec
from ratchet_tokens.claims import Kind
from ratchet_tokens.errors import Reason, TokenRefused
from ratchet_tokens.keys import Key, KeySet
from token_tests.forge import claims, encoded, forge, header, signed, without

pytestmark = pytest.mark.any_database

KEY = Key.derive("the secret", "access")
KEYS = KeySet(KEY)
HONEST = codec.sign(claims(), KEY, Kind.ACCESS)
MEGABYTE = 1_000_000


def refusal(token: object, **options: Any) -> Reason:
    with pytest.raises(TokenRefused) as refused:
        codec.verify(token, KEYS, Kind.ACCESS, **options)
    return refused.value.reason


def with_raw(name: str, value: str) -> str:
    """An honest token but for one claim, whose value is written as it stands."""
    text = json.dumps(claims(**{name: "HERE"})).replace('"HERE"', value)
    return forge(KEY, text.encode(), header(KEY))


def nested(opening: str, closing: str, depth: int) -> str:
    return f"{opening * depth}1{closing * depth}"


class TestHeader:
    @pytest.mark.parametrize(
        "text",
        [
            '{"alg":"HS256","alg":"HS256","typ":"at+jwt","kid":"KID"}',
            '{"alg":"none","alg":"HS256","typ":"at+jwt","kid":"KID"}',
            '{"alg":"HS256","typ":"rt+jwt","typ":"at+jwt","kid":"KID"}',
            '{"alg":"HS256","typ":"at+jwt","kid":"KID","k\\u0069d":"KID"}',
            '{"alg":"HS256","typ":"at+jwt","kid":"KID"} {}',
            '{"alg":"HS256","typ":"at+jwt","kid":"KID",}',
            "{'alg':'HS256','typ':'at+jwt','kid':'KID'}",
            '["HS256","at+jwt","KID"]',
            '"HS256"',
            "null",
            "1",
            "",
            "{",
            nested("[", "]", 150),
            nested('{"a":', "}", 50),
            '{"alg":"HS256","typ":"at+jwt","kid":' + nested("[", "]", 100) + "}",
            '{"alg":"HS256","typ":NaN,"kid":"KID"}',
            '{"alg":"HS256","typ":"at+jwt","kid":' + "9" * 300 + "}",
        ],
    )
    def test_text(self, text: str) -> None:
        raw = text.replace("KID", KEY.kid).encode()

        assert refusal(forge(KEY, claims(), raw)) is Reason.MALFORMED

    @pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "utf-8-sig"])
    def test_encoding(self, encoding: str) -> None:
        raw = json.dumps(header(KEY)).encode(encoding)

        assert refusal(forge(KEY, claims(), raw)) is Reason.MALFORMED

    @pytest.mark.parametrize("kid", [KEY.kid, "unknown"])
    def test_longer_than_any_of_ours(self, kid: str) -> None:
        """Not even parsed, whatever it says: parsed headers are kept."""
        raw = json.dumps(header(KEY, kid=kid)).encode() + b" " * 512

        assert refusal(forge(KEY, claims(), raw)) is Reason.MALFORMED

    @pytest.mark.parametrize("typ", [None, 1, True, ["at+jwt"], {"at+jwt": 1}])
    def test_typ_that_is_no_string(self, typ: object) -> None:
        token = forge(KEY, claims(), header(KEY, typ=typ))

        assert refusal(token) is Reason.MALFORMED


class TestPayload:
    @pytest.mark.parametrize(
        "raw",
        [
            b"",
            b" ",
            b"{",
            b"[]",
            b"[[]]",
            b'"sub"',
            b"null",
            b"true",
            b"1",
            b"1.5",
            b"\0",
            b"{}{}",
            b"\xff\xfe\xfd",
            b'{"sub":"\xff"}',
        ],
    )
    def test_no_object(self, raw: bytes) -> None:
        assert refusal(forge(KEY, raw, header(KEY))) is Reason.MALFORMED

    @pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-32", "utf-8-sig"])
    def test_encoding(self, encoding: str) -> None:
        raw = json.dumps(claims()).encode(encoding)

        assert refusal(forge(KEY, raw, header(KEY))) is Reason.MALFORMED

    @pytest.mark.parametrize(
        "twice",
        [
            '"sub": "2"',
            '"sub": "1"',
            '"s\\u0075b": "2"',
            '"exp": 9999999999',
            '"x": {"y": 1, "y": 2}',
            '"x": [{"y": 1, "y": 1}]',
        ],
    )
    def test_a_name_that_stands_twice(self, twice: str) -> None:
        raw = f"{json.dumps(claims())[:-1]}, {twice}}}".encode()

        assert refusal(forge(KEY, raw, header(KEY))) is Reason.MALFORMED

    @pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
    def test_what_python_alone_takes_for_json(self, value: str) -> None:
        assert refusal(with_raw("x", value)) is Reason.MALFORMED

    @pytest.mark.parametrize("opening", ["[", "[{", '{"a":', '[{"a":'])
    def test_deep_without_an_end(self, opening: str) -> None:
        assert refusal(with_raw("x", opening * (8000 // len(opening)))) is Reason.MALFORMED

    @pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
    def test_deep_and_complete(self, opening: str, closing: str) -> None:
        """Where exactly it is too deep is Python's affair, and differs between versions."""
        outcomes = set()
        for depth in (100, 300, 450, 500, 600, 700, 800, 900, 950, 1000, 1200, 1500, 1800):
            try:
                codec.verify(with_raw("x", nested(opening, closing, depth)), KEYS, Kind.ACCESS)
            except TokenRefused as refused:
                outcomes.add(refused.reason)

        assert outcomes <= {Reason.MALFORMED}

    @pytest.mark.parametrize("digits", [4301, 8000])
    def test_more_digits_than_python_reads(self, digits: int) -> None:
        assert refusal(with_raw("x", "9" * digits)) is Reason.MALFORMED

    @pytest.mark.parametrize(
        ("name", "reason"),
        [
            ("token_type", Reason.WRONG_TYPE),
            ("sub", Reason.MALFORMED),
            ("sid", Reason.MALFORMED),
            ("iat", Reason.MALFORMED),
            ("exp", Reason.MALFORMED),
        ],
    )
    def test_a_claim_missing(self, name: str, reason: Reason) -> None:
        assert refusal(forge(KEY, without(name), header(KEY))) is reason

    @pytest.mark.parametrize("name", ["sub", "sid"])
    @pytest.mark.parametrize("value", [None, 1, True, 1.5, ["1"], {"1": 1}])
    def test_who_must_be_a_string(self, name: str, value: object) -> None:
        assert refusal(forge(KEY, claims(**{name: value}), header(KEY))) is Reason.MALFORMED

    @pytest.mark.parametrize("name", ["exp", "iat", "nbf"])
    @pytest.mark.parametrize(
        "value",
        [
            *("NaN", "Infinity", "-Infinity", "1e400", "-1e400", "9" * 5000),
            *("true", "false", "null", '""', '"1900000000"', "[1900000000]", "{}"),
        ],
        ids=lambda value: value[:20],
    )
    @pytest.mark.parametrize("check_times", [True, False])
    def test_a_time_must_be_a_number(self, name: str, value: str, check_times: bool) -> None:
        assert refusal(with_raw(name, value), check_times=check_times) is Reason.MALFORMED

    @pytest.mark.parametrize("value", ["1" + "0" * 400, "1" + "0" * 18, "1e300"], ids=len)
    def test_an_expiry_that_no_clock_can_show(self, value: str) -> None:
        """It would be a token for ever."""
        assert refusal(with_raw("exp", value)) is Reason.MALFORMED


NO_TOKENS = {
    "nothing": None,
    "an int": 12,
    "a bool": True,
    "a float": 1.5,
    "a list": [HONEST],
    "a dict": {"token": HONEST},
    "bytes": HONEST.encode(),
    "a bytearray": bytearray(HONEST.encode()),
    "an object": object(),
    "empty": "",
    "a dot": ".",
    "two dots": "..",
    "a megabyte": "a" * MEGABYTE,
    "a megabyte of dots": "." * MEGABYTE,
    "a megabyte of segments": "a." * (MEGABYTE // 2),
    "a megabyte after a good header": HONEST + "A" * MEGABYTE,
    "a megabyte that is not ASCII": "é" * MEGABYTE,
    "NUL": "\0",
    "NUL before": f"\0{HONEST}",
    "NUL at the end": f"{HONEST}.\0",
    "not ASCII": f"é{HONEST}",
    "not ASCII at the end": f"{HONEST}é",
    "full-width": HONEST.replace(".", "．"),  # noqa: RUF001 (the wrong dot is the point)
    "half a surrogate pair": f"\ud800{HONEST}",
    "half a surrogate pair at the end": f"{HONEST}\udfff",
    "header not base64": "!.!.!",
    "header not JSON": f"{encoded(b'x')}.{encoded(b'{}')}.x",
}


@pytest.mark.parametrize("token", NO_TOKENS.values(), ids=NO_TOKENS)
def test_no_token_at_all(token: object) -> None:
    assert refusal(token) is Reason.MALFORMED
    assert refusal(token, check_times=False) is Reason.MALFORMED


HEADER_IS_GOOD = {
    "not ASCII at the end",
    "a megabyte after a good header",
    "NUL at the end",
    "half a surrogate pair at the end",
}


@pytest.mark.parametrize("name", NO_TOKENS)
def test_the_kind_of_no_token(name: str) -> None:
    if name in HEADER_IS_GOOD:  # and nothing else is looked at
        assert codec.kind_of(NO_TOKENS[name]) is Kind.ACCESS
        return
    with pytest.raises(TokenRefused) as refused:
        codec.kind_of(NO_TOKENS[name])
    assert refused.value.reason is Reason.MALFORMED


def test_a_refusal_tells_nothing_of_the_token() -> None:
    """It may be logged."""
    with pytest.raises(TokenRefused) as refused:
        codec.verify(signed(b"another key", HONEST.rpartition(".")[0]), KEYS, Kind.ACCESS)

    assert str(refused.value) == "bad_signature"
    assert refused.value.__cause__ is None
    assert refused.value.__context__ is None or refused.value.__suppress_context__
