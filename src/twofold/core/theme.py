"""How the pages of a realm look: name, logo, colours, links; and the rule that they stay readable.

The same keys stand in the settings (``[theme]``), in the document that a realm keeps, and in the
admin API. An operator chooses four colours for light and four for dark; every other colour is
worked out from them, so that a choice which passes here passes WCAG 2.2 AA on every page.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from types import MappingProxyType
from typing import Any, Final

from twofold.core.contrast import LEAST_TEXT, ratio
from twofold.core.errors import Malformed
from twofold.core.fields import Entry, Reader, Text, refused

THEME = ("theme", "realm")
"""Kind and name of the document."""

LONGEST_LOGO: Final = 65_536
"""Characters of a logo's ``data:`` URL: a picture of 48 KB."""

_SIGNATURES: Final = {
    "image/png": (b"\x89PNG\r\n\x1a\n", 0),
    "image/jpeg": (b"\xff\xd8\xff", 0),
    "image/webp": (b"WEBP", 8),
}

_URL: Final = (
    r"https://(?:[A-Za-z0-9-]+\.)*[A-Za-z0-9-]+(?::[0-9]{1,5})?(?:/[!#-&(-+\--:=?-Z_a-z~]*)?"
)
"""No quote, semicolon, comma or bracket: its origin becomes a part of a header."""

_LINK: Final = Text("an https URL, or nothing", rf"(?:{_URL})?")
_COLOUR: Final = Text("a colour such as #1d4ed8", r"#[0-9A-Fa-f]{6}")


@dataclass(frozen=True, slots=True)
class _Logo:
    """A picture that is shown in the place of the name."""

    expected: str = "a data: URL of a PNG, JPEG or WebP of up to 48 KB, an https URL, or nothing"

    def read(self, value: object) -> str:
        """Take a picture that is what it says it is.

        An SVG is a document that may run scripts where somebody opens it by itself, so none is
        kept here; by an https URL it is loaded as a picture, and pictures run nothing.
        """
        if not isinstance(value, str) or len(value) > LONGEST_LOGO:
            raise refused(self)
        if value.startswith("data:"):
            if picture(value) is None:
                raise refused(self)
            return value
        return Text(self.expected, rf"(?:{_URL})?").read(value)

    def text(self, text: str) -> object:
        """Take it as it is."""
        return text


def picture(logo: str) -> tuple[str, bytes] | None:
    """The media type and bytes of a logo's ``data:`` URL; None for anything else."""
    head, _, body = logo.partition(",")
    media = head.removeprefix("data:").removesuffix(";base64")
    if head != f"data:{media};base64" or media not in _SIGNATURES:
        return None
    try:
        content = base64.b64decode(body, validate=True)
    except binascii.Error:
        return None
    signature, at = _SIGNATURES[media]
    return (media, content) if content[at : at + len(signature)] == signature else None


def _key(default: str, reader: Reader[str], text: str) -> Any:
    return field(
        default=default, metadata={"reader": reader, "text": text, "secret": False, "name": ""}
    )


@dataclass(frozen=True, slots=True)
class Theme:
    """What the pages of a realm look like."""

    name: str = _key(
        "",
        Text("a name of up to 64 characters", longest=64),
        "What pages call the site; empty for `totp.issuer`.",
    )
    logo: str = _key(
        "",
        _Logo(),
        "Picture above the forms: a `data:` URL of a PNG, JPEG or WebP, or an https URL.",
    )
    background: str = _key("#f3f4f7", _COLOUR, "Colour around the card.")
    surface: str = _key("#ffffff", _COLOUR, "Colour of the card.")
    text: str = _key("#1b1d24", _COLOUR, "Colour of text.")
    accent: str = _key("#3449c4", _COLOUR, "Colour of buttons and links.")
    background_dark: str = _key("#0f1116", _COLOUR, "`background` where people prefer dark.")
    surface_dark: str = _key("#191c24", _COLOUR, "`surface` where people prefer dark.")
    text_dark: str = _key("#e8eaf1", _COLOUR, "`text` where people prefer dark.")
    accent_dark: str = _key("#a3b4ff", _COLOUR, "`accent` where people prefer dark.")
    stylesheet: str = _key("", _LINK, "An own style sheet, loaded after ours.")
    lost: str = _key(
        "",
        Text("up to 500 characters", longest=500),
        "What people without phone and recovery codes are told to do.",
    )
    help: str = _key("", _LINK, "Address of help, linked on every page.")
    imprint: str = _key("", _LINK, "Address of the imprint, linked on every page.")
    privacy: str = _key("", _LINK, "Address of the privacy statement, linked on every page.")


ENTRIES: Mapping[str, Entry] = MappingProxyType(
    {part.name: Entry(part.metadata["reader"], part.metadata["text"]) for part in fields(Theme)}
)
"""Every key of a theme, in the order of the manual."""


def misfits(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the colours that nobody could read, and by how much (WCAG 2.2, 1.4.3)."""
    for tail in ("", "_dark"):
        for name in ("text", "accent"):
            for ground in ("surface", "background"):
                key, other = f"{name}{tail}", f"{ground}{tail}"
                found = ratio(values[key], values[other])
                if found < LEAST_TEXT:
                    yield key, f"has a contrast of {found:.2f} to {other}; text needs {LEAST_TEXT}"


def merge(changes: Mapping[str, object], base: Theme) -> Theme:
    """``base`` with the changes in it; Malformed names the first key that is wrong."""
    values: dict[str, Any] = {}
    for name, value in changes.items():
        entry = ENTRIES.get(name)
        if entry is None:
            raise Malformed(f"{name} is no key of a theme.", field=name)
        try:
            values[name] = entry.reader.read(value)
        except Malformed as error:
            raise Malformed(f"{name} {error.detail}.", field=name) from None
    made = replace(base, **values)
    for name, complaint in misfits(dump(made)):
        raise Malformed(f"{name} {complaint}.", field=name)
    return made


def load(body: str, base: Theme) -> Theme:
    """The theme of a document: ``base`` with what its JSON text overrides; or Malformed."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise Malformed("A theme is a JSON object.")
    return merge(document, base)


def dump(theme: Theme) -> dict[str, str]:
    """A theme as JSON values, such as ``merge`` takes."""
    return asdict(theme)
