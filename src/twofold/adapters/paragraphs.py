"""The parts of a letter, told from its plain text by how far they are indented.

Four blanks and more: something to be used, such as a code, a name, or a link with the words of
its button in the line above. Two blanks: facts, a line each, as ``Name: value``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

_GAP: Final = re.compile(r"\n\s*\n")
_SHOWN: Final = "    "
_FACTS: Final = "  "
_SHORT: Final = 12
"""Characters of a code that a person reads and types; a longer one is copied."""

_BRIGHT: Final = 0.179
"""Relative luminance from which black is easier to read than white (WCAG 2.2 section 1.4.3)."""

_KNEE: Final = 0.04045
"""Where sRGB turns from a line into a curve."""

Form = Literal["text", "code", "token", "shown", "link", "facts"]


@dataclass(frozen=True, slots=True)
class Paragraph:
    """One part of a letter."""

    form: Form
    text: str
    words: str = ""
    """Of the button, for a link."""
    facts: tuple[tuple[str, str], ...] = ()


def tidy(text: str) -> str:
    """The text with one empty line between paragraphs and none around them."""
    parts = (part.strip("\n").rstrip() for part in _GAP.split(text.strip("\n")))
    return "\n\n".join(part for part in parts if part)


def read(body: str, code: str, links: tuple[str, ...]) -> tuple[Paragraph, ...]:
    """The parts of a tidy body.

    Only a link of ours becomes one: a label that somebody chose may look like a link too.
    """
    return tuple(_part(part, code, links) for part in body.split("\n\n"))


def _part(part: str, code: str, links: tuple[str, ...]) -> Paragraph:
    lines = [line.strip() for line in part.split("\n")]
    if part.startswith(_SHOWN):
        if lines[-1] in links:
            return Paragraph("link", lines[-1], " ".join(lines[:-1]))
        if lines == [code]:
            return Paragraph("code" if len(code) <= _SHORT else "token", code)
        return Paragraph("shown", "\n".join(lines))
    if part.startswith(_FACTS):
        pairs = tuple((name, value) for name, _, value in (line.partition(": ") for line in lines))
        return Paragraph("facts", "\n".join(lines), facts=pairs)
    return Paragraph("text", "\n".join(lines))


def readable_on(colour: str) -> str:
    """Black or white, whichever reads better on a colour ``#rrggbb``."""
    channels = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    red, green, blue = (_linear(channel) for channel in channels)
    bright = 0.2126 * red + 0.7152 * green + 0.0722 * blue > _BRIGHT
    return "#000000" if bright else "#ffffff"


def _linear(channel: float) -> float:
    """One channel of sRGB as light (IEC 61966-2-1)."""
    return channel / 12.92 if channel <= _KNEE else ((channel + 0.055) / 1.055) ** 2.4
