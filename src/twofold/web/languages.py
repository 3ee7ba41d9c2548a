"""Which language somebody reads, and our sentences in it: gettext catalogues, read when asked for.

English sentences are the keys of the catalogues, so English has none. Two further languages are
for tests: ``en-XA`` writes every translated letter with an accent, so that text which nobody
marked for translation stands out, and ``ar-XB`` runs from right to left. Both must be asked for
by name; no browser does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path
from typing import Final

from twofold.core.errors import TwofoldError
from twofold.core.phrases import Phrase

LOCALES: Final = Path(__file__).parent.parent / "locale"
ENGLISH: Final = "en"
PSEUDO: Final = "en-XA"
MIRRORED: Final = "ar-XB"

_NAMES: Final = {ENGLISH: "English", "de": "Deutsch"}
"""What speakers call their language."""

_RIGHT_TO_LEFT: Final = frozenset({"ar", "dv", "fa", "he", "ps", "sd", "ug", "ur", "yi"})
_RANGE: Final = re.compile(
    r"\s*([A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*|\*)\s*(?:;\s*q\s*=\s*([01](?:\.[0-9]{0,3})?)\s*)?"
)
_LONGEST: Final = 500
_MOST: Final = 20
_KEPT: Final = re.compile(r"(%\([a-z_]+\)[sd]|\{[a-z_]+\}|<[^>]*>|&[a-z]+;)")
_ACCENTS: Final = str.maketrans("aceilnorsuyACEILNORSUY", "áçéíļñóŕšüýÁÇÉÍĻÑÓŔŠÜÝ")


def marked(text: str) -> str:
    """The text as it is; translators find it by this call."""
    return text


class _Pseudo(NullTranslations):
    """Accents on every letter that is not a placeholder."""

    def gettext(self, message: str) -> str:
        parts = _KEPT.split(message)
        parts[::2] = [part.translate(_ACCENTS) for part in parts[::2]]
        return f"⟦{''.join(parts)}⟧"

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return self.gettext(msgid1 if n == 1 else msgid2)


@dataclass(frozen=True, slots=True)
class Language:
    """A language that our pages speak."""

    tag: str
    """As in BCP 47."""
    name: str
    catalogue: NullTranslations = field(repr=False, compare=False)

    @property
    def direction(self) -> str:
        """The ``dir`` of its pages."""
        return "rtl" if self.tag.partition("-")[0] in _RIGHT_TO_LEFT else "ltr"

    def text(self, message: str) -> str:
        """One of our sentences; a Phrase with its data."""
        if isinstance(message, Phrase):
            return self.catalogue.gettext(message.template).format(**message.values)
        return self.catalogue.gettext(message)

    def said(self, error: TwofoldError) -> str:
        """What was refused; whose details nobody has translated is told what kind of thing it was.

        Details that only programs and operators meet are in English.
        """
        detail = self.text(error.phrase)
        if self.tag != ENGLISH and detail == error.detail:
            return self.text(error.title)
        return detail


@lru_cache(maxsize=1)
def languages() -> Mapping[str, Language]:
    """Every language there is a catalogue of, by its tag in lower case; English first."""
    found = [Language(ENGLISH, _NAMES[ENGLISH], NullTranslations())]
    for path in sorted(LOCALES.glob("*/LC_MESSAGES/twofold.mo")):
        tag = path.parent.parent.name.replace("_", "-")
        with path.open("rb") as file:
            found.append(Language(tag, _NAMES.get(tag, tag), GNUTranslations(file)))
    return {language.tag.lower(): language for language in found}


@lru_cache(maxsize=1)
def _for_tests() -> Mapping[str, Language]:
    return {
        PSEUDO.lower(): Language(PSEUDO, "Pseudo", _Pseudo()),
        MIRRORED.lower(): Language(MIRRORED, "Mirrored", NullTranslations()),
    }


def named(tag: str | None) -> Language | None:
    """The language of exactly this tag, if we have it; the tag may come from anywhere."""
    if not tag or len(tag) > _LONGEST:
        return None
    key = tag.lower().replace("_", "-")
    return languages().get(key) or _for_tests().get(key)


@lru_cache(maxsize=512)
def accepted(header: str) -> Language:
    """The best language for an ``Accept-Language`` (RFC 9110 section 12.5.4); else English.

    ``de-AT`` finds ``de`` where there is no catalogue of its own (RFC 4647 section 3.4).
    """
    known = languages()
    for wanted in _wanted(header[:_LONGEST].split(",")[:_MOST]):
        parts = wanted.split("-")
        for length in range(len(parts), 0, -1):
            found = known.get("-".join(parts[:length]))
            if found is not None:
                return found
    return known[ENGLISH]


def _wanted(entries: Iterable[str]) -> list[str]:
    """Return the tags in order of preference; what is no language range is passed over."""
    ranges = [match for entry in entries if (match := _RANGE.fullmatch(entry)) is not None]
    weighed = [(float(match[2] or 1), match[1].lower()) for match in ranges]
    weighed.sort(key=lambda pair: -pair[0])
    return [tag for weight, tag in weighed if weight > 0]


def preferred(cookie: str | None, header: str | None) -> Language:
    """What was chosen before, or what the browser is set to."""
    return named(cookie) or accepted(header or "")
