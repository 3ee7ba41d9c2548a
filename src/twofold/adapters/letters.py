"""The words of messages: one text per letter, and its HTML made from that text.

A template is a text whose first line is the subject; an indented paragraph is one to be shown
large, a code or a link. The words exist once: a translation or an operator's own wording is
another directory of texts, looked into first, and no HTML has to be kept in step with it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from twofold.core.effects import Send
from twofold.core.types import SECOND, Instant
from twofold.ports import Letter

if TYPE_CHECKING:
    from jinja2 import Environment, Template

WORDS = Path(__file__).parent / "mail"
"""Our own texts, in English."""

_INDENT = "    "
_GAP = re.compile(r"\n\s*\n")


@dataclass(frozen=True, slots=True)
class Paragraph:
    """One paragraph of a letter."""

    text: str
    shown: bool
    """Whether it stands out: a code, a label, a link."""


class Stationery:
    """Writes letters from templates and values; ``issuer`` is how the service calls itself.

    ``directories`` are looked into before ours, so that a single text can be reworded. The
    values are data to Jinja, never templates (A141): what is in braces there stays there.
    """

    def __init__(
        self, issuer: str = "Twofold", directories: tuple[Path, ...] = (), language: str = "en"
    ) -> None:
        """Read no template yet; one that is missing shows when it is first wanted."""
        self._folders = (*directories, WORDS)
        self._defaults = {"issuer": issuer}
        self._language = language

    @cached_property
    def _texts(self) -> Environment:
        return self._environment(escaping=False)

    @cached_property
    def _pages(self) -> Environment:
        return self._environment(escaping=True)

    def _environment(self, *, escaping: bool) -> Environment:
        # Loaded with the first letter: a server is ready sooner without it.
        from jinja2 import Environment, FileSystemLoader, StrictUndefined

        return Environment(
            loader=FileSystemLoader(self._folders),
            undefined=StrictUndefined,
            trim_blocks=escaping,
            lstrip_blocks=escaping,
            autoescape=escaping,  # noqa: S701 - plain text has nothing to escape
        )

    def write(self, message: Send, values: Mapping[str, str | int], now: Instant) -> Letter:
        """The letter a sender delivers; a jinja2 error if a value is missing."""
        known = {
            **self._defaults,
            "at": _moment(message.due_at),
            **values,
            # What is left of its life, not what it had when it was queued.
            "minutes": max(1, (message.expires_at - now) // (60 * SECOND)),
        }
        subject, _, body = self._template(message).render(known).partition("\n")
        body = "\n\n".join(part.rstrip() for part in _GAP.split(body.strip("\n")))
        html = None
        if message.channel == "email":
            paragraphs = [
                Paragraph(part.strip(), part.startswith(_INDENT)) for part in body.split("\n\n")
            ]
            html = self._pages.get_template("_letter.html").render(
                subject=subject,
                paragraphs=paragraphs,
                language=self._language,
                # Only our own link becomes one: a label may look like a link too.
                link=known.get("link"),
            )
        return Letter(
            # A code that replaces an unsent one keeps its row; as a message it is a new one,
            # which a mailbox must not take for a copy of the first.
            id=f"{message.id}.{message.due_at:x}",
            channel=message.channel,
            to=message.to,
            subject=subject,
            text=body + "\n",
            html=html,
        )

    def _template(self, message: Send) -> Template:
        # Shorter words for a shorter channel, where there are some.
        names = [f"{message.template}.{message.channel}.txt", f"{message.template}.txt"]
        return self._texts.select_template(names)


def _moment(at: Instant) -> str:
    return datetime.fromtimestamp(at // SECOND, UTC).strftime("%Y-%m-%d at %H:%M UTC")
