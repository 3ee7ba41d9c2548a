"""The words of messages as settings have them: to send, to look at, and to be told of faults."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Never
from urllib.parse import urlsplit

from twofold.adapters import specimens
from twofold.adapters.letters import Faulty, Stationery, Style
from twofold.core import languages
from twofold.core.errors import Malformed
from twofold.core.letters import TEMPLATES
from twofold.ports import Letter
from twofold.settings import Settings
from twofold.wiring.house import base_url

_CHANNELS = ("email", "sms")


@dataclass(frozen=True, slots=True)
class Preview:
    """A message as it would be sent, and the operator's files that could not be used for it."""

    letter: Letter
    faults: tuple[str, ...]


def stationery(settings: Settings, faulty: Faulty | None = None) -> Stationery:
    """What writes the messages of these settings; ``faulty`` is told of files it cannot use."""
    url = base_url(settings)
    at = urlsplit(url)
    style = Style(
        issuer=settings.totp.issuer,
        colour=settings.email.colour,
        # Browsers fill a texted code in on secure pages only.
        host=at.hostname or "" if at.scheme == "https" else "",
        account=f"{url}/account",
    )
    return Stationery(style, _own(settings), settings.email.locale, faulty)


def faults(settings: Settings) -> tuple[str, ...]:
    """What is wrong with the operator's own texts, each by the name of its file."""
    own = _own(settings)
    return () if own is None else tuple(specimens.faults(stationery(settings, _raised), own))


def preview(settings: Settings, name: str, locale: str, channel: str) -> Preview:
    """A message with made-up values; Malformed for one there is not."""
    if name not in TEMPLATES:
        raise Malformed(f"There is no message {name}, but: {', '.join(TEMPLATES)}.", field="name")
    if channel not in _CHANNELS:
        raise Malformed(f"A channel is one of {', '.join(_CHANNELS)}.", field="channel")
    found: list[str] = []

    def told(file: Path, error: Exception) -> None:
        found.append(f"{file}: {type(error).__name__}: {error}")

    known = {**specimens.values(name), "locale": languages.tag(locale)}
    sent = specimens.message(name, channel)
    return Preview(stationery(settings, told).write(sent, known, specimens.AT), tuple(found))


def _own(settings: Settings) -> Path | None:
    return Path(settings.email.templates) if settings.email.templates else None


def _raised(_: Path, error: Exception) -> Never:
    raise error
