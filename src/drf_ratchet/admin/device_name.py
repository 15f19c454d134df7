"""What a person calls a device."""

import re

from django.utils.translation import gettext as _

# In this order: Edge and Opera also say Chrome, and Chrome also says Safari.
_PROGRAMS = (
    ("Edge", re.compile(r"\bEdg(A|iOS)?/")),
    ("Opera", re.compile(r"\bOPR/")),
    ("Samsung Internet", re.compile(r"\bSamsungBrowser/")),
    ("Firefox", re.compile(r"\b(Firefox|FxiOS)/")),
    ("Chrome", re.compile(r"\b(Headless)?(Chrome|CriOS)/")),
    ("Safari", re.compile(r"\bSafari/")),
    ("okhttp", re.compile(r"\bokhttp/")),
    ("curl", re.compile(r"^curl/")),
    ("Python", re.compile(r"^python", re.IGNORECASE)),
)
_SYSTEMS = (
    ("Android", re.compile(r"Android")),
    ("iPhone", re.compile(r"iPhone")),
    ("iPad", re.compile(r"iPad")),
    ("Windows", re.compile(r"Windows")),
    ("macOS", re.compile(r"Mac OS X")),
    ("ChromeOS", re.compile(r"\bCrOS\b")),
    ("Linux", re.compile(r"Linux|X11")),
)
_LONGEST = 40

_Names = tuple[tuple[str, "re.Pattern[str]"], ...]


def device_name(user_agent: str) -> str:
    """ "Firefox on Windows" for what a client says of itself; else the beginning of that.

    Nobody proves it: it helps people to recognise a device and decides nothing.

    Args:
        user_agent: the header; "" for none.
    """
    program, system = _name_in(_PROGRAMS, user_agent), _name_in(_SYSTEMS, user_agent)
    if program and system:
        return _("%(program)s on %(system)s") % {"program": program, "system": system}
    shortened = user_agent[:_LONGEST] + ("…" if len(user_agent) > _LONGEST else "")
    return program or system or shortened or _("Unknown device")


def _name_in(names: _Names, user_agent: str) -> str:
    return next((name for name, pattern in names if pattern.search(user_agent)), "")
