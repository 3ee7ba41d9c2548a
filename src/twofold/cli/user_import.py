"""``twofold user import``: accounts of another product, with the secrets of their apps.

One account after the other, each with its records and the letter its owner gets. Whoever is
there already is left alone, so the command may be repeated, also after it was interrupted.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from twofold.ceremonies import admin, admin_factors
from twofold.ceremonies.account import check_name
from twofold.ceremonies.admin import OPERATOR, SubjectChange
from twofold.cli.frame import FOUND, say, table
from twofold.cli.users import Desk
from twofold.core import identifiers
from twofold.core.errors import Malformed, NotFound, Stale, Taken
from twofold.core.policy import WISH, Enforcement
from twofold.core.types import View
from twofold.dialects.structr.config import StructrSettings
from twofold.dialects.structr.users_export import Exported, Unreadable, read
from twofold.wiring import structr_settings
from twofold.wiring.house import House

MARK: Final = "import"
"""The attribute that tells who was brought along, and whether all of it was."""

BEGUN, DONE = "begun", "done"
KIND: Final = "totp"
LABEL: Final = "Structr"

LARGEST: Final = 64 * 1024 * 1024
"""Bytes of an export."""

STEP: Final = 100
"""Accounts between two lines that tell how far it is."""


class Outcome(StrEnum):
    """What became of one account of the export."""

    COMPLETE = "imported"
    AGAIN = "imported, must set up its app again"
    THERE = "already there"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Wish:
    """What the command line said."""

    origin: str
    file: Path
    dry_run: bool = False
    unverified: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One account of the export and what became of it."""

    name: str
    outcome: Outcome
    why: str = ""
    id: str | None = None


def bring(desk: Desk, wish: Wish) -> int:
    """Bring accounts along, and list what became of each."""
    if wish.origin != "structr":
        raise Malformed("An export can be from structr.", field="from")
    entries = read(_text(wish.file))

    async def act(house: House) -> int:
        settings = await structr_settings.live(house.engine, desk.settings, desk.realm).current()
        work = _Import(desk, house, settings, wish)
        lines = [await work.one(entry, number) for number, entry in enumerate(entries, 1)]
        _tell(desk, lines, wish)
        return FOUND if any(line.outcome is Outcome.REFUSED for line in lines) else 0

    return desk.run(act, reads_only=wish.dry_run)


@dataclass(frozen=True, slots=True)
class _Import:
    """One run of the command."""

    desk: Desk
    house: House
    settings: StructrSettings
    wish: Wish
    _seen: set[str] = field(default_factory=set)

    async def one(self, entry: Exported | Unreadable, number: int) -> Line:
        """Bring one account along, or say why not; the others go on."""
        if number % STEP == 0 and not self.desk.as_json:
            print(f"{number} ...", file=sys.stderr, flush=True)
        if isinstance(entry, Unreadable):
            return Line(entry.name or f"entry {entry.number}", Outcome.REFUSED, entry.fault)
        try:
            return await self._brought(entry)
        except Malformed as error:
            return Line(entry.name, Outcome.REFUSED, error.detail)
        except (Taken, Stale):
            return Line(entry.name, Outcome.REFUSED, "has a name, an id or an address of another")

    async def _brought(self, entry: Exported) -> Line:
        known = await self._known(entry)
        if known is not None and known.subject.attributes.get(MARK) != BEGUN:
            return Line(entry.name, Outcome.THERE, id=known.subject.id)
        outcome = Outcome.AGAIN if entry.why else Outcome.COMPLETE
        if self.wish.dry_run:
            self._checked(entry)
            return Line(entry.name, outcome, entry.why, entry.id)
        made = known.subject if known else await self._made(entry)
        engine, context = self.house.engine, self.desk.context
        bound = known is not None and any(a.kind == KIND for a in known.authenticators)
        if entry.secret is not None and not bound:
            await admin_factors.import_factor(
                engine, context, OPERATOR, made.id, KIND,
                secret=entry.secret, parameters=self._parameters(), label=LABEL,
            )  # fmt: skip
        change = SubjectChange(
            attributes={**made.attributes, MARK: DONE}, disabled=True if entry.blocked else None
        )
        await admin.change_subject(engine, context, OPERATOR, made.id, change)
        return Line(entry.name, outcome, entry.why, made.id)

    async def _known(self, entry: Exported) -> View | None:
        for named in filter(None, (entry.id, entry.name)):
            try:
                return await admin.find(self.house.engine, self.desk.realm, named)
            except NotFound:
                continue
        return None

    async def _made(self, entry: Exported) -> Any:
        return await admin.create_subject(
            self.house.engine,
            self.desk.context,
            OPERATOR,
            name=entry.name,
            email=entry.email,
            email_verified=self._verified(entry),
            admin=entry.admin,
            attributes={MARK: BEGUN, **_attributes(entry)},
            id=entry.id,
        )

    def _verified(self, entry: Exported) -> bool:
        return entry.email is not None and not (entry.unconfirmed or self.wish.unverified)

    def _checked(self, entry: Exported) -> None:
        """Raise what making this account would raise, as far as that can be known before."""
        check_name(entry.name)
        own = {identifiers.name(entry.name), *([entry.id] if entry.id else [])}
        if entry.email is not None:
            address = identifiers.email(entry.email)
            own |= {address} if self._verified(entry) else set()
        if own & self._seen:
            raise Taken
        self._seen.update(own)

    def _parameters(self) -> dict[str, str | int]:
        known = self.settings
        return {
            "algorithm": str(known.algorithm),
            "digits": known.digits,
            "period": known.period,
        }


def _attributes(entry: Exported) -> dict[str, object]:
    """Whether a second step is asked for, where that is not what the factors alone say."""
    found: dict[str, object] = {}
    if entry.locale is not None:
        found["locale"] = entry.locale
    if entry.two_factor and entry.secret is None:
        found[WISH] = str(Enforcement.REQUIRED)
    elif not entry.two_factor and entry.secret is not None:
        found[WISH] = str(Enforcement.OFF)
    return found


def _text(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise Malformed(f"{path} cannot be read: {error.strerror}.") from None
    if len(raw) > LARGEST:
        raise Malformed(f"{path} is too large for an export.")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed(f"{path} is not UTF-8 text.") from None


def _tell(desk: Desk, lines: Sequence[Line], wish: Wish) -> None:
    counts = Counter(line.outcome for line in lines)
    document = {
        "dry_run": wish.dry_run,
        "counts": {outcome.value: counts[outcome] for outcome in Outcome},
        "users": [
            {"name": line.name, "id": line.id, "outcome": line.outcome.value, "why": line.why}
            for line in lines
        ],
    }
    rows = [(line.name, line.outcome.value, line.why) for line in lines]
    sums = ", ".join(f"{counts[outcome]} {outcome.value}" for outcome in Outcome if counts[outcome])
    before = "Nothing was done; this is what would be.\n" if wish.dry_run else ""
    text = f"{before}{table(('name', 'outcome', 'why'), rows)}\n{sums or 'There was nobody.'}"
    say(document, as_json=desk.as_json, text=text)
