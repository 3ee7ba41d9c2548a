"""A forgetful doorkeeper in memory: it slows sprays over many names and floods on one.

It is a hint, lost with the process; the durable budgets are the store's. It treats known and
unknown names alike, so that being slowed says nothing about who exists (I8).
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass, field

from twofold.core.errors import Throttled
from twofold.core.throttle import NONE, Limits, shut, taken
from twofold.core.types import Instant, Tally

REMEMBERED = 65_536
"""Keys kept; beyond it the oldest is forgotten, so a flood of names cannot fill memory."""


@dataclass(slots=True)
class Gate:
    """Counts failures by source and by name, apart from whether the name exists."""

    by_source: Limits = field(
        default_factory=lambda: Limits(allowed=50, window=300, delay=60, longest=3_600)
    )
    by_name: Limits = field(default_factory=Limits)
    _seen: OrderedDict[bytes, Tally] = field(default_factory=OrderedDict, repr=False)

    def check(self, source: str, name: str, now: Instant, own: Limits | None = None) -> None:
        """Raise Throttled, right and wrong answers alike, while a source or name is slowed.

        ``own`` are the limits of a name, where they are not ours.
        """
        for key, limits in self._keys(source, name, own):
            tally = self._seen.get(key)
            if tally is None:
                continue
            # The absolute limit is for factors; a name nobody may own is never shut for good.
            closed = shut(_endless(tally), now, limits)
            if closed is not None:
                raise Throttled(retry_after=closed.seconds(now, limits.longest))

    def failed(self, source: str, name: str, now: Instant, own: Limits | None = None) -> None:
        """Count one failure."""
        for key, limits in self._keys(source, name, own):
            self._seen[key] = _endless(taken(self._seen.get(key, NONE), now, limits))
            self._seen.move_to_end(key)
        while len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)

    def forget(self, name: str) -> None:
        """Let a name in again after a right answer, or because an administrator said so."""
        self._seen.pop(_key("name", name), None)

    def _keys(self, source: str, name: str, own: Limits | None) -> list[tuple[bytes, Limits]]:
        keys = [(_key("source", source), self.by_source)] if source else []
        return [*keys, (_key("name", name), own or self.by_name)] if name else keys


def _endless(tally: Tally) -> Tally:
    return Tally(tally.version, tally.spent, tally.since, tally.blocked_until, 0, tally.rounds)


def _key(kind: str, text: str) -> bytes:
    # Hashed, so that what people type into the name field is not kept in memory as typed.
    return hashlib.blake2b(f"{kind}:{text}".encode(), digest_size=16).digest()
