"""The audit trail as a whole: read in the one order that a running server cannot confuse."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from twofold.adapters.sealer import read_head_file
from twofold.core import audit, evidence
from twofold.core.effects import Record, Seal
from twofold.core.errors import Misconfigured
from twofold.core.evidence import Finding, Head
from twofold.ports import Store
from twofold.wiring.house import HEAD, House

_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class Trail:
    """Everything that is needed to check the records, and to have them checked elsewhere."""

    records: tuple[Record, ...]
    segments: tuple[Seal, ...]
    head: Head | None
    keys: dict[str, bytes]

    def findings(self) -> list[Finding]:
        """All that is wrong with it."""
        return evidence.findings(self.records, self.segments, self.head, self.keys)

    def lines(self) -> Iterator[str]:
        """The trail as JSON lines."""
        return evidence.export(self.records, self.segments, self.head, self.keys)


async def read(house: House) -> Trail:
    """Read all of it.

    The head first, then segments, then records: whatever a server adds meanwhile is then newer
    than what vouches for it, and is never taken for a loss.
    """
    head = _head(Path(house.settings.data) / HEAD)
    segments = await _segments(house.store)
    records = await _records(house.store)
    keys = audit.public_keys(house.engine.ring().derive("audit-sign"))
    return Trail(tuple(records), tuple(segments), head, keys)


def _head(file: Path) -> Head | None:
    try:
        return read_head_file(file)
    except ValueError:
        raise Misconfigured((f"audit head {file}: is damaged",)) from None


async def _segments(store: Store) -> list[Seal]:
    found: list[Seal] = []
    while seals := await store.segments(after=found[-1].number if found else 0, limit=_AT_ONCE):
        found += seals
    return found


async def _records(store: Store) -> list[Record]:
    found: list[Record] = []
    after = 0
    while entries := await store.records(None, after=after, limit=_AT_ONCE):
        found += [entry.record for entry in entries]
        after = entries[-1].position
    return found
