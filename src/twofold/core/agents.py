"""What a browser calls itself, in words an owner knows again: ``Firefox`` on ``Linux``.

A user agent is what its sender likes it to be. The words come from a closed list, so that no
text of a stranger is printed on a page or into a letter; they prove nothing and decide nothing.
"""

from __future__ import annotations

from typing import Final

# The order matters: most browsers also claim to be those further down.
_BROWSERS: Final = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Vivaldi/", "Vivaldi"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chromium/", "Chromium"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
    ("python-", "Python"),
    ("okhttp/", "Android app"),
)
_SYSTEMS: Final = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
    ("X11", "Unix"),
)


def named(agent: str) -> tuple[str, str]:
    """Return browser and system as far as they are known; each may be empty."""
    return _first(_BROWSERS, agent), _first(_SYSTEMS, agent)


def label(agent: str) -> str:
    """Return both in one line; empty where nothing is known."""
    return ", ".join(name for name in named(agent) if name)


def _first(known: tuple[tuple[str, str], ...], agent: str) -> str:
    return next((name for mark, name in known if mark in agent), "")
