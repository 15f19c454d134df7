"""The packages that projects move in from: what each is called, there and here."""

import re
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class OldPackage:
    """One of them.

    Args:
        name: what the command calls it.
        module: what a project imports.
        replacement: what it imports instead.
        setting: its dict in Django's settings.
        tables: what it stores, by table, and what that is; the first holds the tokens.
        migrations: the label under which its migrations are recorded.
        distributions: what is installed, and stands in a requirements file.
    """

    name: str
    module: str
    replacement: str
    setting: str
    tables: dict[str, str]
    migrations: str
    distributions: tuple[str, ...]
    #: What makes its settings defaults of ours; the app that would say so may not be installed yet.
    underneath: str = ""

    @cached_property
    def word(self) -> re.Pattern[str]:
        """Its module's name as a whole word, anywhere in a text."""
        return re.compile(rf"(?<![\w.]){self.module}(?![\w-])")

    @cached_property
    def dotted(self) -> re.Pattern[str]:
        """A whole dotted path that begins with its module."""
        return re.compile(rf"{self.module}(?:\.\w+)*")

    def is_within(self, path: object) -> bool:
        """Whether a dotted path is its module or lies in it."""
        # Not isinstance: lazy objects claim to be strings, and are none to the re module.
        return issubclass(type(path), str) and self.dotted.fullmatch(str(path)) is not None

    def renamed(self, path: str) -> str:
        """A dotted path of its module, here."""
        return self.replacement + path.removeprefix(self.module)


SIMPLEJWT = OldPackage(
    name="simplejwt",
    module="rest_framework_simplejwt",
    replacement="drf_ratchet_compat.simplejwt",
    setting="SIMPLE_JWT",
    tables={
        "token_blacklist_outstandingtoken": "refresh tokens handed out",
        "token_blacklist_blacklistedtoken": "refresh tokens taken back",
    },
    migrations="token_blacklist",
    distributions=("djangorestframework-simplejwt", "djangorestframework_simplejwt"),
    underneath="drf_ratchet_compat.simplejwt.underneath.defaults",
)

DRF_JWT = OldPackage(
    name="drf-jwt",
    module="rest_framework_jwt",
    replacement="drf_ratchet_compat.drf_jwt",
    setting="JWT_AUTH",
    tables={"blacklist_blacklistedtoken": "tokens taken back"},
    migrations="blacklist",
    distributions=("drf-jwt", "djangorestframework-jwt"),
)

PACKAGES = {package.name: package for package in (SIMPLEJWT, DRF_JWT)}
