"""What a program calls itself, in words its owner recognises: "Firefox, Linux".

Only words of ours ever come out: a stranger chooses the text of the header, and what is made of
it stands in messages and lists that somebody else reads and trusts.
"""

from __future__ import annotations

import re
from typing import Final

_BROWSERS: Final = (
    # Each before the ones it also calls itself.
    ("Edge", r"\bEdg(?:e|A|iOS)?/"),
    ("Opera", r"\b(?:OPR|OPiOS|Opera)/"),
    ("Samsung Internet", r"\bSamsungBrowser/"),
    ("Vivaldi", r"\bVivaldi/"),
    ("Firefox", r"\b(?:Firefox|FxiOS)/"),
    ("Chrome", r"\b(?:Chrome|CriOS|HeadlessChrome)/"),
    ("Safari", r"\bVersion/[0-9.]+ (?:Mobile/\w+ )?Safari/"),
    ("curl", r"^curl/"),
    ("Python", r"^(?:python-(?:requests|httpx|urllib3?)|Python)\b"),
)
_SYSTEMS: Final = (
    ("iPhone", r"\biPhone\b"),
    ("iPad", r"\biPad\b"),
    ("Android", r"\bAndroid\b"),
    ("ChromeOS", r"\bCrOS\b"),
    ("Windows", r"\bWindows\b"),
    ("macOS", r"\bMacintosh\b"),
    ("Linux", r"\bLinux\b"),
)
_LOOKED_AT: Final = 512


def described(agent: str) -> str:
    """The browser and the system, as far as they are known; empty where neither is."""
    return ", ".join(filter(None, (_first(_BROWSERS, agent), _first(_SYSTEMS, agent))))


def _first(known: tuple[tuple[str, str], ...], agent: str) -> str:
    text = agent[:_LOOKED_AT]
    return next((name for name, pattern in known if re.search(pattern, text)), "")
