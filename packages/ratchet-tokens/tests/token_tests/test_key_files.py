"""Which keys are in force: read from files, arranged by time, read again when files change."""

import json
import logging
import math
import os
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from joserfc import jwk

from ratchet_tokens import key_files
from ratchet_tokens.key_files import KeyFiles, arrange, next_change, read_sources
from ratchet_tokens.key_texts import read_keys
from ratchet_tokens.keys import Key

pytestmark = pytest.mark.any_database

NOW = 1_800_000_000.0
MARK = "c2VjcmV0LW9mLXRoZS10ZXN0"


def key(name: str, signs_from: float = 0, until: float = math.inf, *, private: bool = True) -> Key:
    jose = jwk.OKPKey.generate_key("Ed25519", private=private)
    return Key(jose, "Ed25519", name, signs_from=signs_from, verifies_until=until)


def members(kid: str = "", **more: Any) -> dict[str, Any]:
    made = jwk.OKPKey.generate_key("Ed25519").as_dict(private=True)
    return {**made, **({"kid": kid} if kid else {}), **more}


def pem(private: Any, password: bytes | None = None) -> str:
    how = BestAvailableEncryption(password) if password else NoEncryption()
    raw: bytes = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how)
    return raw.decode()


class TestArrange:
    def test_the_one_that_began_last_signs(self) -> None:
        keys = [key("a", NOW - 20), key("b", NOW - 10), key("c", NOW + 1)]

        made = arrange(keys, NOW)

        assert made.signing.kid == "b"
        assert {each.kid for each in made} == {"a", "b", "c"}

    def test_the_first_of_those_without_a_time(self) -> None:
        assert arrange([key("b"), key("a")], NOW).signing.kid == "b"

    def test_at_the_very_second(self) -> None:
        assert arrange([key("a"), key("b", NOW)], NOW).signing.kid == "b"

    def test_expired_key_is_left_out(self) -> None:
        made = arrange([key("a"), key("b", NOW - 10, until=NOW)], NOW)

        assert made.signing.kid == "a"
        assert made.get("b") is None

    def test_public_key_cannot_sign(self) -> None:
        made = arrange([key("a", private=False)], NOW)

        assert made.get("a")
        assert not made.signing.can_sign

    def test_a_public_key_does_not_sign_beside_a_private_one(self) -> None:
        keys = [key("a", NOW - 1, private=False), key("b")]

        assert arrange(keys, NOW).signing.kid == "b"

    @pytest.mark.parametrize(
        ("keys", "why"),
        [
            ([], "no valid key"),
            ([key("a", until=NOW)], "no valid key"),
            ([key("a", NOW + 60)], "may sign yet: the first one may in 60 seconds"),
            ([key("a"), key("a")], "Two keys have the kid 'a'"),
        ],
    )
    def test_none(self, keys: list[Key], why: str) -> None:
        with pytest.raises(ValueError, match=why):
            arrange(keys, NOW)

    def test_next_change(self) -> None:
        keys = [key("a", NOW - 9, until=NOW + 9), key("b", NOW + 5, until=NOW + 50)]

        assert next_change(keys, NOW) == NOW + 5
        assert next_change(keys, NOW + 5) == NOW + 9
        assert next_change(keys, NOW + 50) == math.inf


class TestTexts:
    @pytest.mark.parametrize(
        ("make", "alg"),
        [
            (ed25519.Ed25519PrivateKey.generate, "Ed25519"),
            (lambda: ec.generate_private_key(ec.SECP256R1()), "ES256"),
            (lambda: ec.generate_private_key(ec.SECP384R1()), "ES384"),
            (lambda: ec.generate_private_key(ec.SECP521R1()), "ES512"),
            (lambda: rsa.generate_private_key(65537, 2048), "RS256"),
        ],
    )
    def test_pem(self, make: Callable[[], Any], alg: str) -> None:
        private = make()
        public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

        (read,), (half,) = read_keys(pem(private)), read_keys(public.decode())

        assert (read.alg, half.alg) == (alg, alg)
        assert (read.can_sign, half.can_sign) == (True, False)
        assert read.kid == half.kid
        assert half.verify(b"x", read.sign(b"x"))

    def test_a_name_says_the_algorithm(self) -> None:
        text = pem(rsa.generate_private_key(65537, 2048))

        assert read_keys(text, "/keys/2026.PS256.pem")[0].alg == "PS256"
        assert read_keys(text, "/keys.PS256/2026.pem")[0].alg == "RS256"

    def test_a_jwk_with_times(self) -> None:
        (read,) = read_keys(json.dumps(members("k", nbf=5, exp=9.5, alg="EdDSA")))

        assert (read.kid, read.alg) == ("k", "EdDSA")
        assert (read.signs_from, read.verifies_until) == (5, 9.5)

    def test_a_set(self) -> None:
        text = json.dumps({"keys": [members("a"), members("b")]})

        assert [each.kid for each in read_keys(text)] == ["a", "b"]

    def test_a_shared_secret_is_called_by_its_file(self) -> None:
        text = json.dumps(jwk.OctKey.generate_key(512).as_dict(private=True))

        (read,) = read_keys(text, "/run/secrets/main.jwk")

        assert (read.kid, read.alg) == ("main", "HS512")

    BAD = {
        "nothing": "",
        "no JSON": MARK,
        "a string": f'"{MARK}"',
        "a list": f'["{MARK}"]',
        "a null": "null",
        "no key": f'{{"kty": "OKP", "x": "{MARK}"}}',
        "half a key": json.dumps({"kty": "RSA", "n": MARK, "e": "AQAB", "d": MARK}),
        "an unknown kind": f'{{"kty": "{MARK}"}}',
        "for something else": json.dumps(members("k", use="enc")),
        "of another algorithm": json.dumps(members("k", alg="ES256")),
        "of no algorithm": json.dumps(members("k", alg=["Ed25519"])),
        **{
            f"with the kid {kid!r}": json.dumps({**members(), "kid": kid})
            for kid in ([MARK], {MARK: 1}, 7, True, "")
        },
        "ML-DSA with an odd kid": json.dumps(
            {"kty": "AKP", "alg": "ML-DSA-44", "pub": "A" * 1750, "kid": [MARK]}
        ),
        "with odd times": json.dumps(members("k", nbf=MARK)),
        "a set of nothing": '{"keys": 1}',
        "a set with a bad one": json.dumps({"keys": [members("a"), 1]}),
        "no PEM": f"-----BEGIN PRIVATE KEY-----\n{MARK}\n-----END PRIVATE KEY-----",
        "a certificate": f"-----BEGIN CERTIFICATE-----\n{MARK}\n-----END CERTIFICATE-----",
        "PEM with a password": pem(ed25519.Ed25519PrivateKey.generate(), b"password"),
        "Ed448": pem(ed448.Ed448PrivateKey.generate()),
        "X25519": pem(x25519.X25519PrivateKey.generate()),
        "secp256k1": pem(ec.generate_private_key(ec.SECP256K1())),
        "ML-DSA that is none": f'{{"kty": "AKP", "alg": "ML-DSA-44", "pub": "{MARK}"}}',
        "ML-DSA of no size": f'{{"kty": "AKP", "alg": "ML-DSA-1", "pub": "{MARK}"}}',
        "ML-DSA without a half": '{"kty": "AKP", "alg": "ML-DSA-44"}',
    }

    @pytest.mark.parametrize("text", BAD.values(), ids=BAD)
    def test_no_key(self, text: str) -> None:
        with pytest.raises(ValueError, match=r"^/keys/a\.json contains no usable key") as refused:
            read_keys(text, "/keys/a.json")

        assert MARK not in str(refused.value)
        assert refused.value.__cause__ is None


class TestKeyFiles:
    @pytest.fixture
    def clock(self, monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
        """Put both clocks forward."""
        passed = [0.0]

        def forward(seconds: float) -> None:
            passed[0] += seconds

        monkeypatch.setattr(
            key_files,
            "time",
            SimpleNamespace(
                time=lambda: NOW + passed[0], monotonic=lambda: passed[0], time_ns=time.time_ns
            ),
        )
        return forward

    def write(self, directory: Path, name: str, **said: Any) -> None:
        file = directory / name
        file.write_text(json.dumps(members(**said)))
        os.utime(file, ns=(time.time_ns(), time.time_ns()))

    def test_a_new_file_is_seen(self, tmp_path: Path, clock: Callable[[float], None]) -> None:
        self.write(tmp_path, "1.json", kid="a")
        files = KeyFiles([tmp_path])
        self.write(tmp_path, "2.json", kid="b", nbf=NOW)

        assert files.current().get("b") is None, "it looks every second and not at every request"
        clock(1)
        assert files.current().signing.kid == "b"

    def test_time_passes_without_a_new_file(
        self, tmp_path: Path, clock: Callable[[float], None]
    ) -> None:
        self.write(tmp_path, "1.json", kid="a", exp=NOW + 20)
        self.write(tmp_path, "2.json", kid="b", nbf=NOW + 10)
        files = KeyFiles([tmp_path])

        assert files.current().signing.kid == "a"
        clock(10)
        assert files.current().signing.kid == "b"
        assert files.current().get("a")
        clock(10)
        assert files.current().get("a") is None

    def test_deleted_file_is_noticed(self, tmp_path: Path, clock: Callable[[float], None]) -> None:
        self.write(tmp_path, "1.json", kid="a")
        self.write(tmp_path, "2.json", kid="b")
        files = KeyFiles([tmp_path])
        (tmp_path / "1.json").unlink()
        clock(1)

        assert files.current().signing.kid == "b"

    @pytest.mark.parametrize("text", ["", "{", '{"kty": "oct", "k": "c2hvcnQ"}'])
    @pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
    def test_what_cannot_be_used_later_changes_nothing(
        self,
        tmp_path: Path,
        clock: Callable[[float], None],
        caplog: pytest.LogCaptureFixture,
        text: str,
    ) -> None:
        self.write(tmp_path, "1.json", kid="a")
        files = KeyFiles([tmp_path])
        (tmp_path / "2.json").write_text(text)
        clock(1)

        with caplog.at_level(logging.ERROR, "drf_ratchet"):
            assert files.current().signing.kid == "a"
        assert "2.json contains no usable key" in caplog.text
        (tmp_path / "2.json").unlink()
        self.write(tmp_path, "3.json", kid="c", nbf=NOW)
        clock(1)
        assert files.current().signing.kid == "c"

    def test_a_bad_file_beside_them_does_not_stop_the_clock(
        self,
        tmp_path: Path,
        clock: Callable[[float], None],
        caplog: pytest.LogCaptureFixture,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """Keys that are known come and go by their own times, and one line says what is wrong."""
        self.write(tmp_path, "1.json", kid="a", exp=NOW + 20)
        self.write(tmp_path, "2.json", kid="b", nbf=NOW + 10)
        files = KeyFiles([tmp_path])
        self.write(tmp_path, "3.json", kid="b")
        clock(15)

        assert files.current().signing.kid == "b"
        clock(10)
        assert files.current().get("a") is None
        looks = []
        look = KeyFiles._look
        monkeypatch.setattr(KeyFiles, "_look", lambda self: looks.append(1) or look(self))
        for _ in range(50):
            files.current()
        assert len(looks) == 0
        assert len([line for line in caplog.messages if "Two keys have the kid" in line]) == 1

    def test_last_key_signs_after_it_expired(
        self, tmp_path: Path, clock: Callable[[float], None], caplog: pytest.LogCaptureFixture
    ) -> None:
        self.write(tmp_path, "1.json", kid="a", exp=NOW + 20)
        files = KeyFiles([tmp_path])
        clock(30)

        for _ in range(50):
            assert files.current().signing.kid == "a"
        assert len([line for line in caplog.messages if "have expired" in line]) == 1

    def test_a_file_that_may_be_read_again(
        self, tmp_path: Path, clock: Callable[[float], None]
    ) -> None:
        self.write(tmp_path, "1.json", kid="a")
        files = KeyFiles([tmp_path])
        (tmp_path / "2.json").symlink_to(tmp_path / "3.txt")
        clock(1)
        assert files.current().signing.kid == "a"
        self.write(tmp_path, "3.txt", kid="b", nbf=NOW)
        clock(1)

        assert files.current().signing.kid == "b"

    def test_missing_directory_keeps_the_known_keys(
        self, tmp_path: Path, clock: Callable[[float], None]
    ) -> None:
        keys = tmp_path / "keys"
        keys.mkdir()
        self.write(keys, "1.json", kid="a")
        files = KeyFiles([keys])
        keys.rename(tmp_path / "elsewhere")
        clock(1)

        assert files.current().signing.kid == "a"

    def test_other_files_are_ignored(self, tmp_path: Path) -> None:
        self.write(tmp_path, "1.json", kid="a")
        (tmp_path / ".2.json").write_text("half a draft")
        (tmp_path / "README").write_text("not a key")
        (tmp_path / "3.json").mkdir()

        assert [each.kid for each in read_sources([tmp_path])] == ["a"]

    def test_a_mount_of_kubernetes(self, tmp_path: Path, clock: Callable[[float], None]) -> None:
        """Files are links into a directory that is exchanged as a whole."""
        for name in ("first", "second"):
            (tmp_path / f"..{name}").mkdir()
            self.write(tmp_path / f"..{name}", "key.json", kid=name)
        (tmp_path / "..data").symlink_to("..first")
        (tmp_path / "key.json").symlink_to("..data/key.json")
        files = KeyFiles([tmp_path])
        assert files.current().signing.kid == "first"

        (tmp_path / "..new").symlink_to("..second")
        (tmp_path / "..new").replace(tmp_path / "..data")
        clock(1)

        assert files.current().signing.kid == "second"

    def test_every_way_to_say_where(self, tmp_path: Path) -> None:
        self.write(tmp_path, "1.json", kid="a")
        (tmp_path / "deeper").mkdir()
        self.write(tmp_path / "deeper", "2.json", kid="b")
        sources = [
            str(tmp_path / "1.json"),
            tmp_path / "deeper",
            json.dumps(members("c")),
            members("d"),
        ]

        assert [each.kid for each in read_sources(sources)] == ["a", "b", "c", "d"]

    @pytest.mark.parametrize("missing", ["none", "none.json", "x" * 300, "a\nb", "a\0b"])
    def test_what_is_not_there_is_not_shown(self, tmp_path: Path, missing: str) -> None:
        """It may be a key, and no path at all."""
        with pytest.raises(ValueError, match="is not a readable file or a PEM/JWK key") as refused:
            KeyFiles([tmp_path / missing], ["KEYS"])
        assert str(refused.value).startswith("KEYS is not ")
        assert missing not in str(refused.value)

    def test_no_pipe_and_no_device_is_read(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe")
        for place in (tmp_path / "pipe", Path("/dev/zero")):
            with pytest.raises(ValueError, match="is a pipe or a device"):
                KeyFiles([place])

    def test_a_huge_file(self, tmp_path: Path) -> None:
        with (tmp_path / "1.json").open("wb") as file:
            file.truncate(10**9)

        with pytest.raises(
            ValueError, match=r"1\.json contains no usable key: it has more than 1000000 bytes"
        ):
            KeyFiles([tmp_path])

    def test_the_name_of_a_file_stays_on_one_line(self, tmp_path: Path) -> None:
        (tmp_path / os.fsdecode(b"a\nb\xff.json")).write_text("{}")

        with pytest.raises(ValueError, match="contains no usable key") as refused:
            KeyFiles([tmp_path])
        assert r"a\nb\udcff.json" in str(refused.value)

    def test_looking_costs_nothing_in_between(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.write(tmp_path, "1.json", kid="a")
        files = KeyFiles([tmp_path])
        monkeypatch.setattr(key_files, "files_of", None)

        for _ in range(100):
            files.current()
