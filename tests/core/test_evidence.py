"""Whatever is done to sealed records is found and named, by us and by the stand-alone script."""

import json
import runpy
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twofold.core import audit, evidence
from twofold.core.effects import Record
from twofold.core.evidence import Fault, Finding, Head
from twofold.core.types import DEFAULT_REALM, Instant, SubjectId

SCRIPT = runpy.run_path(str(Path(__file__).parents[2] / "scripts" / "verify_audit.py"))
KEY = (b"\x01\x02\x03\x04", bytes(range(32)))
MALLORY = (b"\x01\x02\x03\x04", bytes(range(1, 33)))
KEYS = audit.public_keys([KEY])


def record(number):
    subject = SubjectId("5" * 32) if number % 3 else None
    id = f"{number:016x}"
    return Record(DEFAULT_REALM, subject, id, Instant(number), "login.granted", '{"step":1}')


class Trail:
    """Nine sealed records in segments of three, one that waits, and the head."""

    def __init__(self, count=9, size=3, waiting=1, key=KEY):
        self.records = [record(number) for number in range(1, count + waiting + 1)]
        self.segments = []
        self.head = None
        for start in range(0, count, size):
            run = self.records[start : min(start + size, count)]
            last = self.segments[-1] if self.segments else None
            self.segments.append(audit.close(run, start + len(run), last, Instant(100), key))
            self.head = evidence.follow(self.head, self.segments[-1])

    def edit(self, number, **changes):
        self.records[number - 1] = replace(self.records[number - 1], **changes)

    def rewrite(self, number, /, **changes):
        """Change members of a segment's body without the key to sign it again."""
        body = json.loads(self.segments[number - 1].body) | changes
        text = json.dumps(body, sort_keys=True, separators=(",", ":"))
        self.segments[number - 1] = replace(self.segments[number - 1], body=text)

    def findings(self):
        return evidence.findings(self.records, self.segments, self.head, KEYS)


def rec(fault, number, segment):
    return Finding(fault, f"{number:016x}", segment)


def seg(fault, number):
    return Finding(fault, segment=number)


def nothing(trail):
    return []


def edit_a_body(trail):
    trail.edit(5, body='{"step":2}')
    return [rec(Fault.EDITED, 5, 2)]


def edit_a_time(trail):
    trail.edit(1, at=Instant(2))
    return [rec(Fault.EDITED, 1, 1)]


def edit_a_subject(trail):
    trail.edit(3, subject=SubjectId("6" * 32))
    return [rec(Fault.EDITED, 3, 1)]


def edit_an_event(trail):
    trail.edit(9, event="login.refused")
    return [rec(Fault.EDITED, 9, 3)]


def rename_a_record(trail):
    trail.edit(5, id="f" * 16)
    return [Finding(Fault.ADDED, "f" * 16), rec(Fault.DELETED, 5, 2)]


def delete_one(trail):
    del trail.records[4]
    return [rec(Fault.DELETED, 5, 2)]


def delete_the_first(trail):
    del trail.records[0]
    return [rec(Fault.DELETED, 1, 1)]


def delete_a_whole_segment_of_records(trail):
    del trail.records[3:6]
    return [rec(Fault.DELETED, number, 2) for number in (4, 5, 6)]


def delete_all(trail):
    trail.records = []
    return [rec(Fault.CUT_OFF, number, (number + 2) // 3) for number in range(1, 10)]


def cut_off_the_newest_records(trail):
    del trail.records[7:]
    return [rec(Fault.CUT_OFF, 8, 3), rec(Fault.CUT_OFF, 9, 3)]


def cut_off_records_and_their_segment(trail):
    del trail.records[6:]
    del trail.segments[2]
    return [seg(Fault.CUT_OFF, 3)] + [rec(Fault.CUT_OFF, number, 3) for number in (7, 8, 9)]


def cut_off_everything(trail):
    trail.records, trail.segments = [], []
    cut = [rec(Fault.CUT_OFF, number, (number + 2) // 3) for number in range(1, 10)]
    return [seg(Fault.CUT_OFF, number) for number in (1, 2, 3)] + cut


def cut_off_a_segment_and_keep_its_records(trail):
    del trail.segments[2]
    return [seg(Fault.CUT_OFF, 3)] + [rec(Fault.UNPROVEN, number, 3) for number in (7, 8, 9)]


def swap_two(trail):
    trail.records[3], trail.records[5] = trail.records[5], trail.records[3]
    return {"000000000000000" + digit for digit in "456"}


def move_the_first_to_the_end(trail):
    trail.records.insert(8, trail.records.pop(0))
    return [rec(Fault.REORDERED, 1, 1)]


def move_the_last_to_the_front(trail):
    trail.records.insert(0, trail.records.pop(8))
    return [rec(Fault.REORDERED, 9, 3)]


def add_among_the_sealed(trail):
    trail.records.insert(4, record(77))
    return [Finding(Fault.ADDED, f"{77:016x}")]


def add_a_copy(trail):
    trail.records.insert(8, trail.records[1])
    return [rec(Fault.ADDED, 2, 1)]


def edit_and_seal_again_without_the_key(trail):
    trail.edit(5, body='{"step":2}')
    trail.segments[1] = audit.close(trail.records[3:6], 6, trail.segments[0], Instant(100), MALLORY)
    return [seg(Fault.SEGMENT_FORGED, 2)] + [rec(Fault.UNPROVEN, n, 2) for n in (4, 5, 6)]


def seal_again_with_a_key_we_never_had(trail):
    key = (b"none", MALLORY[1])
    trail.segments[2] = audit.close(trail.records[6:9], 9, trail.segments[1], Instant(100), key)
    trail.head = evidence.follow(None, trail.segments[2])
    return [seg(Fault.SEGMENT_FORGED, 3)] + [rec(Fault.UNPROVEN, n, 3) for n in (7, 8, 9)]


def change_a_leaf_with_its_record(trail):
    trail.edit(5, body='{"step":2}')
    leaves = [audit.leaf(one).hex() for one in trail.records[3:6]]
    trail.rewrite(2, leaves=leaves)
    return [seg(Fault.SEGMENT_ALTERED, 2)] + [rec(Fault.UNPROVEN, n, 2) for n in (4, 5, 6)]


def change_a_leaf_only(trail):
    leaves = [*json.loads(trail.segments[1].body)["leaves"][:2], "00" * 32]
    trail.rewrite(2, leaves=leaves)
    return [
        seg(Fault.SEGMENT_ALTERED, 2),
        rec(Fault.UNPROVEN, 4, 2),
        rec(Fault.UNPROVEN, 5, 2),
        rec(Fault.EDITED, 6, 2),
    ]


def drop_an_id_from_a_segment(trail):
    body = json.loads(trail.segments[1].body)
    leaves, ids = body["leaves"][:2], body["ids"][:2]
    root = audit.merkle([bytes.fromhex(one) for one in leaves]).hex()
    trail.rewrite(2, leaves=leaves, ids=ids, count=2, root=root)
    return [
        seg(Fault.SEGMENT_FORGED, 2),
        rec(Fault.UNPROVEN, 4, 2),
        rec(Fault.UNPROVEN, 5, 2),
        Finding(Fault.ADDED, f"{6:016x}"),
    ]


def make_the_lists_of_different_length(trail):
    trail.rewrite(2, ids=json.loads(trail.segments[1].body)["ids"][:2], count=2)
    return [
        seg(Fault.SEGMENT_ALTERED, 2),
        rec(Fault.UNPROVEN, 4, 2),
        rec(Fault.UNPROVEN, 5, 2),
        Finding(Fault.ADDED, f"{6:016x}"),
    ]


def change_the_time_of_a_segment(trail):
    trail.segments[1] = replace(trail.segments[1], at=Instant(101))
    return [seg(Fault.SEGMENT_ALTERED, 2)] + [rec(Fault.UNPROVEN, n, 2) for n in (4, 5, 6)]


def keep_records_from_ever_being_sealed(trail):
    trail.segments[1] = replace(trail.segments[1], upto=10**9)
    return [seg(Fault.SEGMENT_ALTERED, 2)] + [rec(Fault.UNPROVEN, n, 2) for n in (4, 5, 6)]


def write_nonsense_into_a_segment(trail):
    trail.segments[1] = replace(trail.segments[1], body="{")
    return [seg(Fault.SEGMENT_ALTERED, 2)] + [rec(Fault.UNPROVEN, n, 2) for n in (4, 5, 6)]


def write_nonsense_into_a_segment_the_head_forgot(trail):
    trail.segments[1] = replace(trail.segments[1], body="{")
    trail.head = replace(trail.head, tail=())
    unproven = [Finding(Fault.UNPROVEN, f"{n:016x}") for n in (4, 5, 6)]
    return [seg(Fault.SEGMENT_ALTERED, 2), *unproven]


def nest_a_segment_deeply(trail):
    trail.segments[0] = replace(trail.segments[0], body="[" * 100_000)
    return [seg(Fault.SEGMENT_ALTERED, 1)] + [rec(Fault.UNPROVEN, n, 1) for n in (1, 2, 3)]


def write_another_type_into_a_segment(trail):
    trail.rewrite(2, number="2")
    return [seg(Fault.SEGMENT_ALTERED, 2)] + [rec(Fault.UNPROVEN, n, 2) for n in (4, 5, 6)]


def write_numbers_for_ids(trail):
    trail.rewrite(2, ids=[4, 5, 6])
    return [seg(Fault.SEGMENT_ALTERED, 2)] + [rec(Fault.UNPROVEN, n, 2) for n in (4, 5, 6)]


def write_a_leaf_that_is_no_hash(trail):
    trail.rewrite(2, leaves=["x", "y", "z"])
    return [seg(Fault.SEGMENT_ALTERED, 2)] + [rec(Fault.EDITED, n, 2) for n in (4, 5, 6)]


def write_a_list_for_a_segment(trail):
    trail.segments[1] = replace(trail.segments[1], body="[]")
    return [seg(Fault.SEGMENT_ALTERED, 2)] + [rec(Fault.UNPROVEN, n, 2) for n in (4, 5, 6)]


def break_a_signature(trail):
    trail.rewrite(3, signature="no hex")
    trail.head = evidence.follow(None, trail.segments[2])
    return [seg(Fault.SEGMENT_FORGED, 3)] + [rec(Fault.UNPROVEN, n, 3) for n in (7, 8, 9)]


def add_a_member_to_a_segment(trail):
    trail.rewrite(2, note="mine")
    return [seg(Fault.SEGMENT_ALTERED, 2)] + [rec(Fault.UNPROVEN, n, 2) for n in (4, 5, 6)]


def remove_a_segment(trail):
    del trail.segments[1]
    return [seg(Fault.SEGMENT_MISSING, 2)] + [rec(Fault.UNPROVEN, n, 2) for n in (4, 5, 6)]


def remove_the_first_segment(trail):
    del trail.segments[0]
    return [seg(Fault.SEGMENT_MISSING, 1)] + [rec(Fault.UNPROVEN, n, 1) for n in (1, 2, 3)]


def put_a_segment_there_twice(trail):
    trail.segments.append(trail.segments[2])
    return [seg(Fault.SEGMENT_ALTERED, 3)] + [rec(Fault.UNPROVEN, n, 3) for n in (7, 8, 9)]


def give_a_segment_the_place_of_another(trail):
    trail.segments[1] = replace(trail.segments[0], number=2)
    first = trail.segments[0]
    assert first.number == 1
    return [
        seg(Fault.SEGMENT_ALTERED, 2),
        *[rec(Fault.UNPROVEN, n, 2) for n in (1, 2, 3)],
        *[Finding(Fault.ADDED, f"{n:016x}") for n in (4, 5, 6)],
    ]


def chain_to_another_past(trail):
    # Signed by us, but in another life: a database restored and gone on with, then spliced.
    other = audit.close([record(50)], 3, None, Instant(100), KEY)
    trail.segments[1] = audit.close(trail.records[3:6], 6, other, Instant(100), KEY)
    return [seg(Fault.SEGMENT_UNCHAINED, 2), seg(Fault.SEGMENT_UNCHAINED, 3)]


def begin_with_a_past(trail):
    last = replace(audit.close([record(50)], 3, None, Instant(100), KEY), number=0)
    first = audit.close(trail.records[:9], 9, last, Instant(100), KEY)
    trail.segments, trail.head = [first], evidence.follow(None, first)
    return [seg(Fault.SEGMENT_UNCHAINED, 1)]


def seal_another_tail(trail):
    # Our own key, another segment of that number: a database restored from a backup.
    trail.edit(8, body="{}")
    trail.segments[2] = audit.close(trail.records[6:9], 9, trail.segments[1], Instant(101), KEY)
    return [seg(Fault.HEAD_DIFFERS, 3)] + [rec(Fault.UNPROVEN, n, 3) for n in (7, 8, 9)]


def lose_the_head(trail):
    trail.head = None
    return [Finding(Fault.HEAD_MISSING)]


def stay_behind_with_the_head(trail):
    # A crash between the commit and the file: the next segment catches up.
    trail.head = evidence.follow(None, trail.segments[0])
    return []


TAMPERINGS = [
    value
    for name, value in list(globals().items())
    if callable(value)
    and getattr(value, "__module__", None) == __name__
    and getattr(value, "__code__", None) is not None
    and value.__code__.co_varnames[:1] == ("trail",)
]


@pytest.mark.parametrize("tamper", TAMPERINGS, ids=lambda tamper: tamper.__name__)
def test_what_was_done_is_found_and_named(tamper):
    trail = Trail()
    expected = tamper(trail)

    found = trail.findings()

    if isinstance(expected, set):
        assert {finding.fault for finding in found} == {Fault.REORDERED}
        assert {finding.record for finding in found} < expected
    else:
        assert found == expected


@pytest.mark.parametrize("tamper", TAMPERINGS, ids=lambda tamper: tamper.__name__)
def test_the_stand_alone_script_finds_the_same(tamper, tmp_path, capsys):
    trail = Trail()
    tamper(trail)
    export = tmp_path / "export.jsonl"
    lines = evidence.export(trail.records, trail.segments, trail.head, KEYS)
    export.write_text("".join(line + "\n" for line in lines))

    status = SCRIPT["main"]([str(export)])

    said = capsys.readouterr().out.splitlines()[:-1]
    ours = trail.findings()
    assert sorted(said) == sorted(map(in_words, ours))
    assert status == (1 if ours else 0)


def in_words(finding):
    record = f" record {finding.record}" if finding.record else ""
    segment = f" segment {finding.segment}" if finding.segment else ""
    return f"{finding.fault.value}:{record}{segment}"


def test_an_empty_trail_is_whole():
    assert evidence.findings([], [], None, {}) == []


def test_records_that_wait_to_be_sealed_are_no_finding():
    trail = Trail(count=0, waiting=5)

    assert trail.findings() == []


def test_a_trail_is_whole_after_the_keys_were_rotated():
    trail = Trail()
    new = (b"\x09\x09\x09\x09", bytes(range(2, 34)))
    trail.segments.append(audit.close(trail.records[9:], 10, trail.segments[2], Instant(200), new))
    trail.head = evidence.follow(trail.head, trail.segments[3])
    keys = audit.public_keys([new, KEY])

    assert evidence.findings(trail.records, trail.segments, trail.head, keys) == []


def test_a_forged_number_does_not_make_us_name_a_billion_segments():
    trail = Trail()
    trail.segments[2] = replace(trail.segments[2], number=10**9)

    found = trail.findings()

    assert len(found) < evidence.NAMED_AT_MOST + 10
    assert seg(Fault.SEGMENT_MISSING, 3) in found
    assert seg(Fault.SEGMENT_ALTERED, 10**9) in found


def test_the_order_of_segments_given_does_not_matter():
    trail = Trail()
    trail.segments.reverse()

    assert trail.findings() == []


@given(st.permutations(range(8)))
def test_whatever_the_order_some_record_is_named_and_the_rest_is_in_order(order):
    trail = Trail(count=8, waiting=0)
    originals = list(trail.records)
    trail.records = [originals[index] for index in order]

    found = trail.findings()

    named = {finding.record for finding in found}
    rest = [one for one in trail.records if one.id not in named]
    assert rest == sorted(rest, key=originals.index)
    assert {finding.fault for finding in found} <= {Fault.REORDERED}
    assert bool(found) == (list(order) != sorted(order))


def test_a_head_is_read_as_it_was_written():
    head = Trail().head

    assert evidence.read_head(head.text()) == head


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "{}", "null", '{"number":"1","at":1,"digest":"","tail":[]}', "[" * 100_000,
     '{"number":1,"at":1,"digest":1,"tail":[]}', '{"number":1,"at":1,"digest":"","tail":[1]}',
     '{"number":true,"at":1,"digest":"","tail":[]}'],
)  # fmt: skip
def test_what_is_no_head_is_refused(text):
    with pytest.raises(ValueError):  # noqa: PT011 - json's own message for some
        evidence.read_head(text)


def test_a_head_remembers_enough_ids_and_no_more():
    head = Trail(count=9_000, size=1_000, waiting=0).head

    assert [number for number, _ in head.tail] == [5, 6, 7, 8, 9]
    assert head.number == 9


def test_a_head_without_a_past_can_be_followed():
    trail = Trail()

    head = evidence.follow(Head(2, Instant(1), "x"), trail.segments[2])

    assert (head.number, [number for number, _ in head.tail]) == (3, [3])


@pytest.mark.parametrize("fault", Fault)
def test_every_fault_has_a_sentence(fault):
    assert evidence.MEANINGS[fault].endswith(".")
