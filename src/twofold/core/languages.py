"""Names of languages as BCP 47 writes them, as far as choosing among texts needs them."""

from __future__ import annotations

import re
from typing import Final

from twofold.core.errors import Malformed

PATTERN: Final = r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}"
"""``de``, ``de-AT``, ``zh-Hant-TW``; no private subtags, no ``*``, nothing that leads elsewhere."""

_TAG = re.compile(PATTERN)
_REGION = 2
_SCRIPT = 4


def tag(text: str) -> str:
    """The one spelling of a language (``de-AT`` for ``DE_at``), empty for none; or Malformed."""
    plain = text.strip().replace("_", "-")
    if not plain:
        return ""
    if _TAG.fullmatch(plain) is None:
        raise Malformed("This is no language such as de or de-AT.", field="locale")
    first, *rest = plain.split("-")
    return "-".join((first.lower(), *map(_subtag, rest)))


def _subtag(text: str) -> str:
    """One part after the language, as RFC 5646 section 2.1.1 recommends to write it."""
    if len(text) == _REGION:
        return text.upper()
    return text.title() if len(text) == _SCRIPT and text.isalpha() else text.lower()


def fallbacks(text: str) -> tuple[str, ...]:
    """A language and what it is a kind of, narrowest first; empty for what is no language.

    RFC 4647 section 3.4: ``zh-Hant-TW`` is looked up as itself, ``zh-Hant`` and ``zh``.
    """
    try:
        parts = tag(text).split("-")
    except Malformed:
        return ()
    return tuple("-".join(parts[:count]) for count in range(len(parts), 0, -1) if parts[0])
