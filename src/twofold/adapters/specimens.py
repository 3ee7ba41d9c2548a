"""Made-up messages to try texts on, before somebody's code depends on them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from twofold.adapters.letters import (
    FALLBACK,
    LAYOUT,
    WORDS,
    Source,
    Stationery,
    Values,
    faults_of_words,
)
from twofold.core import languages
from twofold.core.effects import Send
from twofold.core.errors import Malformed
from twofold.core.letters import TEMPLATES
from twofold.core.types import DEFAULT_REALM, SECOND, Instant, SubjectId

AT: Final = Instant(1_795_269_780 * SECOND)
"""When all of them are written: 21 November 2026."""

_PAGE: Final = "https://id.example.org/page#a-long-secret"
_NEEDED: Final[Values] = {
    "name": "alice", "code": "314159", "kind": "totp", "label": "Phone", "count": 10, "left": 1,
    "days": 30, "old_kind": "email", "old_label": "Mail",
}  # fmt: skip
_MORE: Final[Values] = {
    "address": "192.0.2.7",
    "agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "link": _PAGE,
}
_CASES: Final[tuple[Values, ...]] = (
    {},
    _MORE,
    {"left": 0, "label": "", "administrator": 1},
    {"purpose": "stepup"},
    {"purpose": "enroll"},
    {"purpose": "verify", "application": "Payroll"},
)
"""What a text may meet besides what it needs."""


def message(template: str, channel: str = "email") -> Send:
    """A message of a kind, good for ten minutes."""
    return Send(
        realm=DEFAULT_REALM,
        subject=SubjectId("0" * 32),
        id="0" * 32,
        channel=channel,
        to="alice@example.org",
        template=template,
        sealed=b"",
        due_at=AT,
        expires_at=Instant(AT + 600 * SECOND),
    )


def values(template: str, *, full: bool = True) -> Values:
    """The values a message needs, or all it may know."""
    needed = {name: _NEEDED[name] for name in sorted(TEMPLATES[template])}
    return {**needed, **(_MORE if full else {})}


def faults(stationery: Stationery, own: Path) -> Iterator[str]:
    """What is wrong with the files of an operator's directory, each by its name."""
    for file in sorted(own.rglob("*.txt")):
        name = file.relative_to(own).as_posix()
        if not file.name.startswith("_") and (fault := _fault(stationery, own, name)):
            yield f"{name}: {fault}"
    if (own / LAYOUT).is_file():
        text = Source(WORDS, f"{FALLBACK}/code.txt", FALLBACK)
        if fault := _tried(stationery, text, "code", "email"):
            yield f"{LAYOUT}: {fault}"


def _fault(stationery: Stationery, own: Path, name: str) -> str:
    folder, _, file = name.rpartition("/")
    try:
        language = languages.tag(folder)
    except Malformed:
        return "is in a folder that is no language"
    if language != folder:
        return f"is in a folder that must be called {language}"
    template, *channel = file.removesuffix(".txt").split(".")
    if template not in TEMPLATES or channel not in ([], ["email"], ["sms"]):
        return "is the name of no message"
    source = Source(own, name, language or FALLBACK)
    return _tried(stationery, source, template, *(channel or ["email"]))


def _tried(stationery: Stationery, source: Source, template: str, channel: str) -> str:
    for case in _CASES:
        known = {**values(template, full=False), **case}
        try:
            stationery.written(source, message(template, channel), known, AT)
        except faults_of_words() as error:
            # Its own words: no value here is anybody's.
            return f"{type(error).__name__}: {error}"
    return ""
