"""The keys that sign access tokens."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured

from drf_ratchet.checks.settings import usable_settings

#: Anybody but the owner. Mounted secrets are often readable by a group of the process's own.
OTHERS = 0o007


@register(Tags.security)
def check_keys(**kwargs: Any) -> list[CheckMessage]:
    """E009: the keys cannot be used. E010: a new key signs before everybody can know it."""
    return list(_keys())


@register(Tags.security, deploy=True)
def check_key_files(**kwargs: Any) -> list[CheckMessage]:
    """W016: other users of the machine can read a private key."""
    return [
        Warning(
            f"{file} can be read by every user of this machine.",
            hint=f"chmod 600 {file}",
            id="ratchet.W016",
        )
        for file in _files()
        if os.name == "posix" and file.stat().st_mode & OTHERS and _is_private(file)
    ]


def _keys() -> Iterator[CheckMessage]:
    from drf_ratchet.keyring import key_files

    settings = usable_settings()
    if not settings.keys:
        return
    try:
        key_files()
    except ImproperlyConfigured as error:
        yield Error(
            str(error),
            hint="Servers do not start with it. manage.py ratchet keys list says what is there.",
            id="ratchet.E009",
        )
    if settings.KEY_PUBLISH_DELAY <= settings.JWKS_MAX_AGE:
        yield Error(
            "DRF_RATCHET['KEY_PUBLISH_DELAY'] is not longer than 'JWKS_MAX_AGE'.",
            hint="A new key would sign while verifiers may still keep a key set without it, and "
            "they would refuse good tokens. Make it three times as long.",
            id="ratchet.E010",
        )


def _files() -> list[Path]:
    from drf_ratchet.tokens.key_files import files_of, is_text  # late, as in keyring

    found: list[Path] = []
    for source in usable_settings().keys:
        if isinstance(source, (str, Path)) and not is_text(source):
            try:
                found += files_of(Path(source))
            except ValueError:
                continue  # E009 says it
    return found


def _is_private(file: Path) -> bool:
    try:
        read = file.read_bytes()
    except OSError:
        return False
    # A JWK's members d, k or priv; and PEM.
    return any(mark in read for mark in (b'"d"', b'"k"', b'"priv"', b"PRIVATE KEY"))
