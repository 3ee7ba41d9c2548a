#!/usr/bin/env python3
"""Bring the catalogues of translations up to date: collect our sentences, merge, compile.

    PYTHONPATH=src python scripts/catalogues.py            # every language there is a folder for
    PYTHONPATH=src python scripts/catalogues.py --add fr   # and a new one

A sentence comes from a template (`_()`, `{% trans %}`), from `marked()` or `Phrase()` in the
code, or is the title or detail of an error that a page may show. The server reads the compiled
files with the standard library; Babel is needed here only.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract, extract_from_file
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

SOURCE = Path(__file__).resolve().parent.parent / "src" / "twofold"
LOCALES = SOURCE / "locale"
DOMAIN = "twofold"

_ERRORS = (
    "Malformed",
    "NotAllowed",
    "NotFound",
    "NotPossible",
    "Taken",
    "Throttled",
    "CooldownActive",
    "Unavailable",
    "WeakPassword",
)
"""Errors whose details pages show: the first argument is a sentence."""

_SHOWN = (
    "core/passwords.py",
    "core/identifiers.py",
    "core/letters.py",
    "factors/_out_of_band.py",
    "factors/password.py",
    "factors/webauthn.py",
    "ceremonies/*.py",
    "faces/pages*.py",
    "faces/steps.py",
    "web/bodies.py",
    "web/request.py",
)
"""Where they are raised, on the way of a page."""

_API_ONLY = ("JSON", "a-z, 0-9", "secret to import", "64 bits", "out of range", "surrogate")
"""What only programs send and only programs are told: words of such details."""

_KEYWORDS = {"marked": None, "Phrase": None}
_TEMPLATE = {"_": None, "gettext": None, "ngettext": (1, 2)}
_NEVER_CHANGES = datetime(2026, 1, 1, tzinfo=UTC)
"""A date in the header would make two runs differ."""


def collected() -> Catalog:
    """Every sentence of ours."""
    found = Catalog(project=DOMAIN, charset="utf-8", creation_date=_NEVER_CHANGES)
    for place, text in (*_templates(), *_code(), *_titles()):
        found.add(text, locations=[(place, None)])
    return found


def _templates() -> Iterator[tuple[str, str | tuple[str, ...]]]:
    from jinja2.ext import babel_extract  # noqa: PLC0415 -- only what Babel is handed

    options = {"trimmed": "true", "trim_blocks": "true", "lstrip_blocks": "true", "silent": "false"}
    for path in sorted((SOURCE / "faces" / "templates").glob("*.html")):
        with path.open("rb") as file:
            for found in extract(babel_extract, file, _TEMPLATE, options=options):
                yield _place(path), found[1]


def _code() -> Iterator[tuple[str, str | tuple[str, ...]]]:
    shown = {path for pattern in _SHOWN for path in SOURCE.glob(pattern)}
    for path in sorted(SOURCE.rglob("*.py")):
        keywords = dict.fromkeys(_ERRORS) | _KEYWORDS if path in shown else _KEYWORDS
        for found in extract_from_file("python", path, keywords):
            if not any(word in found[1] for word in _API_ONLY):
                yield _place(path), found[1]


def _titles() -> Iterator[tuple[str, str]]:
    # Named, because what else is loaded just now is no matter of these catalogues.
    homes = ("twofold.core.errors", "twofold.web.request", "twofold.web.routes")
    for module in homes:
        import_module(module)
    waiting = [import_module("twofold.core.errors").TwofoldError]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if kind.__module__ in homes:
            yield kind.__module__.replace(".", "/"), kind.title


def _place(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


def updated(path: Path, fresh: Catalog) -> Catalog:
    """The catalogue of a language with what is new in it and without what is gone."""
    language = path.parent.parent.name
    if path.exists():
        with path.open("rb") as file:
            known = read_po(file, locale=language, charset="utf-8")
    else:
        known = Catalog(locale=language, charset="utf-8")
    known.update(fresh, no_fuzzy_matching=True)
    known.obsolete.clear()
    known.project, known.fuzzy = DOMAIN, False
    known.header_comment = f"# Twofold in {language}."
    known.creation_date = known.revision_date = _NEVER_CHANGES
    return known


def as_po(catalogue: Catalog) -> bytes:
    """The text that translators edit."""
    written = io.BytesIO()
    write_po(written, catalogue, sort_output=True, width=100, include_lineno=False)
    return written.getvalue()


def as_mo(catalogue: Catalog) -> bytes:
    """What the server reads."""
    written = io.BytesIO()
    write_mo(written, catalogue)
    return written.getvalue()


def main() -> None:
    """Write what has changed and say what is missing."""
    fresh = collected()
    added = [LOCALES / name / "LC_MESSAGES" for name in sys.argv[2:] if sys.argv[1] == "--add"]
    for folder in (*added, *sorted(LOCALES.glob("*/LC_MESSAGES"))):
        folder.mkdir(parents=True, exist_ok=True)
        catalogue = updated(folder / f"{DOMAIN}.po", fresh)
        (folder / f"{DOMAIN}.po").write_bytes(as_po(catalogue))
        (folder / f"{DOMAIN}.mo").write_bytes(as_mo(catalogue))
        missing = [message.id for message in catalogue if message.id and not done(message.string)]
        print(f"{folder.parent.name}: {len(catalogue)} sentences, {len(missing)} not translated")
        for text in missing:
            print(f"  {text!r}")


def done(translation: str | tuple[str, ...]) -> bool:
    """Whether nothing is left to translate."""
    return all(translation) if isinstance(translation, tuple | list) else bool(translation)


if __name__ == "__main__":
    main()
