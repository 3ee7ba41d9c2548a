"""The words of messages: one text per letter and language, and its HTML made from that text.

A template is a text whose first line is the subject; what is indented stands out. The words exist
once: a translation is another folder of texts, an operator's wording another directory that is
looked into first, and no HTML has to be kept in step with either. A text of the operator's that
cannot be used costs nobody a message: ours takes its place, and the operator hears of it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from twofold.adapters import paragraphs
from twofold.adapters.unmetered import Unmetered
from twofold.core import agents, languages
from twofold.core.effects import Send
from twofold.core.letters import OPTIONAL, TEMPLATES
from twofold.core.types import SECOND, Instant
from twofold.ports import Letter, Metrics

if TYPE_CHECKING:
    from jinja2 import Environment

WORDS: Final = Path(__file__).parent / "mail"
"""Our own texts, a folder for each language, and the one layout."""

FALLBACK: Final = "en"
"""The language that has every letter."""

LAYOUT: Final = "_letter.html"

Values = Mapping[str, str | int]
Faulty = Callable[[Path, Exception], None]

_LOG = logging.getLogger("twofold.letters")


def faults_of_words() -> tuple[type[Exception], ...]:
    """All that a template can come to grief with, from a missing value to a missing file."""
    from jinja2 import TemplateError

    found = (TemplateError, ArithmeticError, AttributeError, LookupError, OSError, RuntimeError)
    return (*found, TypeError, ValueError)


def counting(metrics: Metrics) -> Faulty:
    """Whoever logs and counts the files that could not be used."""

    def told(file: Path, error: Exception) -> None:
        # The name only: what a template says of its fault may repeat a value, code and all (A81).
        _LOG.warning("%s cannot be used: %s", file, type(error).__name__)
        metrics.count("letter.faulty", {"template": file.name})

    return told


@dataclass(frozen=True, slots=True)
class Style:
    """How the service presents itself in every message."""

    issuer: str = "Twofold"
    """How it calls itself."""
    colour: str = "#1d4ed8"
    """Of the button and the edge, as ``#rrggbb``."""
    host: str = ""
    """The host a texted code belongs to; browsers fill it in there and nowhere else."""
    account: str = ""
    """Where people look after their account."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file that has the words of a letter."""

    folder: Path
    name: str
    language: str


@dataclass(frozen=True, slots=True)
class _Draft:
    """A letter on its way: what is filled in, and what it must not lose."""

    source: Source
    values: dict[str, Any] = field(repr=False)
    subject: str = ""
    body: str = field(default="", repr=False)


class Stationery:
    """Writes letters from templates and values.

    The values are data to Jinja, never templates (A141): what is in braces there stays there.
    """

    def __init__(
        self,
        style: Style | None = None,
        own: Path | None = None,
        language: str = FALLBACK,
        faulty: Faulty | None = None,
    ) -> None:
        """Read no template yet; ``own`` is the operator's directory, looked into before ours.

        ``faulty`` is told of each file of theirs that could not be used.
        """
        self._style = style or Style()
        self._folders = (WORDS,) if own is None else (own, WORDS)
        self._language = language
        self._faulty = faulty or counting(Unmetered())

    @cached_property
    def _texts(self) -> Mapping[Path, Environment]:
        return {folder: self._environment(folder, escaping=False) for folder in self._folders}

    @cached_property
    def _pages(self) -> Mapping[Path, Environment]:
        return {folder: self._environment(folder, escaping=True) for folder in self._folders}

    def _environment(self, folder: Path, *, escaping: bool) -> Environment:
        # Loaded with the first letter: a server is ready sooner without it.
        from jinja2 import FileSystemLoader, StrictUndefined
        from jinja2.sandbox import ImmutableSandboxedEnvironment

        return ImmutableSandboxedEnvironment(
            # Ours behind the operator's, so that a copied text still finds what it imports.
            loader=FileSystemLoader((folder, WORDS)),
            undefined=StrictUndefined,
            trim_blocks=escaping,
            lstrip_blocks=escaping,
            autoescape=escaping,
        )

    def write(self, message: Send, values: Values, now: Instant) -> Letter:
        """The letter a sender delivers; an error only if our own text cannot be filled in."""
        locale = str(values.get("locale", ""))
        *first, last = self.sources(message.template, message.channel, locale)
        for source in first:
            try:
                return self.written(source, message, values, now)
            except faults_of_words() as error:
                self._faulty(source.folder / source.name, error)
        return self.written(last, message, values, now)

    def sources(self, template: str, channel: str, locale: str) -> list[Source]:
        """The files that have the words, the best first; ours in English is the last.

        A narrower language comes before a wider one, shorter words before the common ones where
        the channel has some, and the operator's before ours: those of the language, then those
        for all languages.
        """
        found = dict.fromkeys(self._sources(template, channel, locale))
        return [source for source in found if _is_there(source.folder / source.name)]

    def _sources(self, template: str, channel: str, locale: str) -> Iterator[Source]:
        names = (f"{template}.{channel}.txt", f"{template}.txt")
        for wanted in (locale, self._language, FALLBACK):
            known = languages.fallbacks(wanted)
            for name in names if known else ():
                for folder in self._folders:
                    yield from (Source(folder, f"{tag}/{name}", tag) for tag in known)
                    # What is for all languages is most likely in the house's own.
                    yield Source(folder, name, self._language)

    def written(self, source: Source, message: Send, values: Values, now: Instant) -> Letter:
        """The letter in the words of one file; any error if they cannot be filled in."""
        known = self._known(source, message, values, now)
        filled = self._texts[source.folder].get_template(source.name).render(known)
        subject, _, rest = filled.strip("\n").partition("\n")
        draft = _Draft(source, known, subject.strip(), paragraphs.tidy(rest))
        if not draft.subject or not draft.body:
            raise ValueError("a letter needs a subject and a text")
        if "code" in TEMPLATES[message.template] and str(known["code"]) not in draft.body:
            raise ValueError("the code is missing")
        return Letter(
            # A code that replaces an unsent one keeps its row; as a message it is a new one,
            # which a mailbox must not take for a copy of the first.
            id=f"{message.id}.{message.due_at:x}",
            channel=message.channel,
            to=message.to,
            subject=draft.subject,
            text=draft.body + "\n",
            html=self._html(draft) if message.channel == "email" else None,
            language=source.language,
        )

    def _known(self, source: Source, message: Send, values: Values, now: Instant) -> dict[str, Any]:
        style = self._style
        return {
            **dict.fromkeys(OPTIONAL, ""),
            "purpose": "login",
            "label": "",
            "issuer": style.issuer,
            "host": style.host,
            "account": style.account,
            "browser": agents.label(str(values.get("agent", ""))),
            **values,
            "at": self._moment(source, message.due_at),
            # What is left of its life, not what it had when it was queued.
            "minutes": max(1, (message.expires_at - now) // (60 * SECOND)),
        }

    def _moment(self, source: Source, at: Instant) -> str:
        """A moment as the language writes it, in UTC: we do not know where its reader lives."""
        moment = datetime.fromtimestamp(at // SECOND, UTC)
        for language in languages.fallbacks(source.language):
            for folder in self._folders:
                if _is_there(folder / language / "_at.txt"):
                    written = self._texts[folder].get_template(f"{language}/_at.txt")
                    return written.render(at=moment).strip()
        return f"{moment:%Y-%m-%d %H:%M} UTC"

    def _html(self, draft: _Draft) -> str:
        style, known = self._style, draft.values
        links = tuple(str(known[name]) for name in ("link", "account") if known[name])
        filled = {
            "subject": draft.subject,
            "paragraphs": paragraphs.read(draft.body, str(known.get("code")), links),
            "language": draft.source.language,
            "issuer": style.issuer,
            "colour": style.colour,
            "on_colour": paragraphs.readable_on(style.colour),
        }
        for folder in self._folders[:-1]:
            if _is_there(folder / LAYOUT):
                try:
                    return self._pages[folder].get_template(LAYOUT).render(filled)
                except faults_of_words() as error:
                    self._faulty(folder / LAYOUT, error)
        return self._pages[WORDS].get_template(LAYOUT).render(filled)


def _is_there(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False
