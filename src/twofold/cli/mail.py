"""``twofold mail``: messages as they would be sent, before they are."""

from __future__ import annotations

from twofold.cli.frame import FOUND, complain, say
from twofold.settings import Settings
from twofold.wiring import post


def preview(
    settings: Settings, *, name: str, locale: str, channel: str, html: bool, as_json: bool
) -> int:
    """Print a message; exit status 1 if a text of the operator's could not be used for it."""
    found = post.preview(settings, name, locale, channel)
    letter = found.letter
    document = {
        "subject": letter.subject,
        "text": letter.text,
        "html": letter.html,
        "language": letter.language,
        "faults": list(found.faults),
    }
    text = f"{letter.subject}\n\n{letter.text}".rstrip()
    say(document, as_json=as_json, text=(letter.html or "").rstrip() if html else text)
    if found.faults and not as_json:
        complain("faulty", found.faults, as_json=False)
    return FOUND if found.faults else 0
