"""What the sealed segments prove about the records that are there now, offline and by name."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum

from twofold.core.audit import Segment, digest, is_signed, leaf, merkle
from twofold.core.effects import Record, Seal


class Fault(StrEnum):
    """What can have happened to a record or a segment."""

    EDITED = "edited"
    DELETED = "deleted"
    ADDED = "added"
    REORDERED = "reordered"
    CUT_OFF = "cut-off"
    UNPROVEN = "unproven"
    SEGMENT_ALTERED = "segment-altered"
    SEGMENT_FORGED = "segment-forged"
    SEGMENT_MISSING = "segment-missing"
    SEGMENT_UNCHAINED = "segment-unchained"
    HEAD_MISSING = "head-missing"
    HEAD_DIFFERS = "head-differs"


MEANINGS: Mapping[Fault, str] = {
    Fault.EDITED: "The record is not what was sealed.",
    Fault.DELETED: "The record was sealed and is gone.",
    Fault.ADDED: "The record stands among sealed ones but was never sealed.",
    Fault.REORDERED: "The record stands at another place than when it was sealed.",
    Fault.CUT_OFF: "The record was sealed and is gone with all that followed it.",
    Fault.UNPROVEN: "Nothing that can be trusted says whether the record is genuine.",
    Fault.SEGMENT_ALTERED: "The segment is not what was signed.",
    Fault.SEGMENT_FORGED: "The segment was signed by none of our keys.",
    Fault.SEGMENT_MISSING: "The segment is gone.",
    Fault.SEGMENT_UNCHAINED: "The segment does not follow the one before it.",
    Fault.HEAD_MISSING: "There is no head to tell whether the newest segments are all there.",
    Fault.HEAD_DIFFERS: "The head names another segment of this number.",
}
"""One sentence per fault."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, naming the record's id, the segment's number, or both."""

    fault: Fault
    record: str | None = None
    segment: int | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """What is remembered outside the store, so that a cut-off tail is found."""

    number: int
    at: int
    digest: str
    """Of the segment of this number."""
    tail: tuple[tuple[int, tuple[str, ...]], ...] = ()
    """Numbers and record ids of the newest segments, to name what was cut off with them."""

    def text(self) -> str:
        """The JSON of the head file."""
        tail = [[number, list(ids)] for number, ids in self.tail]
        fields = {"at": self.at, "digest": self.digest, "number": self.number, "tail": tail, "v": 1}
        return json.dumps(fields, sort_keys=True, separators=(",", ":"))


TAIL_IDS = 4096
"""How many record ids a head remembers at least, where there are as many."""


def export(
    records: Iterable[Record],
    segments: Iterable[Seal],
    head: Head | None,
    keys: Mapping[str, bytes],
) -> Iterator[str]:
    """The trail as JSON lines that anybody can check with ``scripts/verify_audit.py``.

    A body stays the text it is: read into an object and written again it could differ.
    """
    for kid, public in keys.items():
        yield _line("key", {"kid": kid, "public": public.hex()})
    for record in records:
        yield _line("record", asdict(record))
    for seal in segments:
        yield _line("segment", asdict(seal))
    if head is not None:
        yield _line("head", json.loads(head.text()))


def _line(kind: str, fields: Mapping[str, object]) -> str:
    return json.dumps({"type": kind, **fields}, separators=(",", ":"))


def read_head(text: str) -> Head:
    """The head a text describes; ValueError if it describes none."""
    try:
        fields = json.loads(text)
        return Head(
            number=_number(fields["number"]),
            at=_number(fields["at"]),
            digest=_word(fields["digest"]),
            tail=tuple(
                (_number(number), tuple(_word(id) for id in ids)) for number, ids in fields["tail"]
            ),
        )
    except (KeyError, TypeError, RecursionError) as broken:
        raise ValueError("not a head") from broken


def follow(head: Head | None, seal: Seal) -> Head:
    """The head after one more segment; the oldest ids are forgotten once there are enough."""
    segment = read_segment(seal.body)
    tail = [*(head.tail if head else ()), (segment.number, segment.ids)]
    known = sum(len(ids) for _, ids in tail)
    while known - len(tail[0][1]) >= TAIL_IDS:
        known -= len(tail.pop(0)[1])
    return Head(seal.number, seal.at, digest(seal.body), tuple(tail))


def read_segment(body: str) -> Segment:
    """The segment a body describes; ValueError if it is not exactly what we would have written."""
    try:
        fields = json.loads(body)
        segment = Segment(
            number=_number(fields["number"]),
            at=_number(fields["at"]),
            upto=_number(fields["upto"]),
            ids=tuple(_word(id) for id in fields["ids"]),
            leaves=tuple(_word(value) for value in fields["leaves"]),
            root=_word(fields["root"]),
            previous=_word(fields["previous"]),
            kid=_word(fields["kid"]),
            signature=_word(fields["signature"]),
        )
    except (KeyError, TypeError, RecursionError) as broken:
        raise ValueError("not a segment") from broken
    # Duplicate keys, spaces, unknown members: what is not canonical was not written by us.
    if segment.body() != body:
        raise ValueError("not canonical")
    return segment


def _number(value: object) -> int:
    if type(value) is not int:
        raise TypeError
    return value


def _word(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


@dataclass(slots=True)
class _Reading:
    """What is known of the segments while they are read."""

    ids: dict[int, tuple[str, ...]] = field(default_factory=dict)
    """Which records each segment holds, by its number."""
    leaves: dict[str, str] = field(default_factory=dict)
    """The hash that was sealed for a record, as far as a segment could be read."""
    digests: dict[int, str] = field(default_factory=dict)
    doubtful: set[int] = field(default_factory=set)
    """Segments whose word proves nothing."""
    found: list[Finding] = field(default_factory=list)

    def blame(self, fault: Fault, number: int) -> None:
        """Note what is wrong with a segment; only a break in the chain leaves it believable."""
        self.found.append(Finding(fault, segment=number))
        if fault is not Fault.SEGMENT_UNCHAINED:
            self.doubtful.add(number)


def findings(
    records: Iterable[Record],
    segments: Iterable[Seal],
    head: Head | None,
    keys: Mapping[str, bytes],
) -> list[Finding]:
    """All that is wrong with records in the store's order, given their segments and the head.

    Records after the last sealed one are not sealed yet and are no finding. ``keys`` are the
    public keys by key id. An empty list means that every sealed record is there, as it was
    and where it was.
    """
    reading = _Reading()
    newest = 0
    for seal in sorted(segments, key=lambda seal: seal.number):
        _miss(reading, Fault.SEGMENT_MISSING, newest + 1, seal.number)
        _read(seal, keys, reading)
        newest = seal.number
    _heed(head, newest, reading)
    return [*reading.found, *_compare(records, reading)]


NAMED_AT_MOST = 10_000
"""A forged number must not make us name a billion missing segments."""


def _miss(reading: _Reading, fault: Fault, first: int, end: int) -> None:
    for number in range(first, min(end, first + NAMED_AT_MOST)):
        reading.blame(fault, number)


def _read(seal: Seal, keys: Mapping[str, bytes], reading: _Reading) -> None:
    """Check one segment by itself and against the one before."""
    number = seal.number
    try:
        segment = read_segment(seal.body)
    except ValueError:
        reading.blame(Fault.SEGMENT_ALTERED, number)
        return
    if number in reading.digests or not _is_whole(seal, segment):
        reading.blame(Fault.SEGMENT_ALTERED, number)
    elif not is_signed(segment, keys):
        reading.blame(Fault.SEGMENT_FORGED, number)
    elif not _follows(segment, reading):
        reading.blame(Fault.SEGMENT_UNCHAINED, number)
    reading.digests.setdefault(number, digest(seal.body))
    reading.ids.setdefault(number, segment.ids)
    for id, value in zip(segment.ids, segment.leaves, strict=False):
        reading.leaves.setdefault(id, value)


def _is_whole(seal: Seal, segment: Segment) -> bool:
    """Whether a segment agrees with itself and with the row it stands in."""
    try:
        root = merkle([bytes.fromhex(value) for value in segment.leaves]).hex()
    except ValueError:
        return False
    return (
        (segment.number, segment.at, segment.upto) == (seal.number, seal.at, seal.upto)
        and len(segment.ids) == len(segment.leaves)
        and segment.root == root
    )


def _follows(segment: Segment, reading: _Reading) -> bool:
    """Whether the segment names the one before, unless that one is blamed already."""
    before = segment.number - 1
    if before in reading.doubtful:
        return True
    return segment.previous == reading.digests.get(before, "")


def _heed(head: Head | None, newest: int, reading: _Reading) -> None:
    """Compare the segments with what is remembered outside the store."""
    if head is None:
        if newest:
            reading.found.append(Finding(Fault.HEAD_MISSING))
        return
    _miss(reading, Fault.CUT_OFF, newest + 1, head.number + 1)
    seen = reading.digests.get(head.number)
    if seen is not None and seen != head.digest:
        reading.blame(Fault.HEAD_DIFFERS, head.number)
    for number, ids in head.tail:
        # A segment that is gone or unreadable: the head still knows whom it held.
        if number in reading.doubtful:
            reading.ids.setdefault(number, ids)


def _compare(records: Iterable[Record], reading: _Reading) -> list[Finding]:
    """Hold the records against what was sealed."""
    sealed = {id: number for number in sorted(reading.ids) for id in reading.ids[number]}
    place = {id: index for index, id in enumerate(sealed)}
    readable = reading.doubtful <= reading.ids.keys()
    found: list[Finding] = []
    waiting: list[str] = []
    places: dict[str, int] = {}
    for record in records:
        id = record.id
        if id in place and id not in places:
            # Whoever stands before a sealed record came before it was sealed.
            found += [Finding(Fault.ADDED if readable else Fault.UNPROVEN, i) for i in waiting]
            waiting = []
            places[id] = place[id]
            if leaf(record).hex() != reading.leaves.get(id, leaf(record).hex()):
                found.append(Finding(Fault.EDITED, id, sealed[id]))
            elif sealed[id] in reading.doubtful:
                found.append(Finding(Fault.UNPROVEN, id, sealed[id]))
        elif id in places:
            found.append(Finding(Fault.ADDED, id, sealed[id]))
        else:
            waiting.append(id)
    found += [Finding(Fault.REORDERED, id, sealed[id]) for id in _out_of_order(places)]
    return found + _gone(sealed, places.keys())


def _gone(sealed: Mapping[str, int], present: Collection[str]) -> list[Finding]:
    """Sealed records that are not there: cut off if nothing sealed follows them."""
    ids = list(sealed)
    kept = max((index + 1 for index, id in enumerate(ids) if id in present), default=0)
    return [
        Finding(Fault.DELETED if index < kept else Fault.CUT_OFF, id, sealed[id])
        for index, id in enumerate(ids)
        if id not in present
    ]


def _out_of_order(places: Mapping[str, int]) -> list[str]:
    """The fewest records that would have to move: all outside a longest rising run of places."""
    ids = list(places)
    ends: list[int] = []
    """The lowest place a run of each length can end with, and which record that is."""
    whose: list[int] = []
    before: list[int | None] = []
    for index, id in enumerate(ids):
        length = bisect_left(ends, places[id])
        before.append(whose[length - 1] if length else None)
        ends[length : length + 1] = [places[id]]
        whose[length : length + 1] = [index]
    rising: set[int] = set()
    step = whose[-1] if whose else None
    while step is not None:
        rising.add(step)
        step = before[step]
    return [id for index, id in enumerate(ids) if index not in rising]
