"""Turn a ``User-Agent`` header into a readable device name."""

import re

from django.utils.translation import gettext as _

# The order matters: Edge and Opera also send "Chrome", and Chrome also sends "Safari".
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
    """Return a name such as "Firefox on Windows", or the beginning of an unknown user agent.

    The client chooses the header, so use the name for display only.

    Args:
        user_agent: the ``User-Agent`` header; "" if the request had none.
    """
    program, system = _name_in(_PROGRAMS, user_agent), _name_in(_SYSTEMS, user_agent)
    if program and system:
        return _("%(program)s on %(system)s") % {"program": program, "system": system}
    shortened = user_agent[:_LONGEST] + ("…" if len(user_agent) > _LONGEST else "")
    return program or system or shortened or _("Unknown device")


def _name_in(names: _Names, user_agent: str) -> str:
    return next((name for name, pattern in names if pattern.search(user_agent)), "")
