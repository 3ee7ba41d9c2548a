import pytest

from twofold.ceremonies import gate as gates
from twofold.ceremonies.gate import Gate
from twofold.core.errors import Throttled
from twofold.core.throttle import Limits
from twofold.core.types import SECOND, Instant

NOON = Instant(1_800_000_000 * SECOND)


def small():
    return Gate(
        by_source=Limits(allowed=3, window=60, delay=60, longest=600),
        by_name=Limits(allowed=2, window=60, delay=30, longest=600),
    )


def test_a_name_that_failed_too_often_is_slowed_whoever_asks():
    gate = small()
    gate.failed("192.0.2.1", "name:alice", NOON)
    gate.check("192.0.2.2", "name:alice", NOON)
    gate.failed("192.0.2.2", "name:alice", NOON)

    with pytest.raises(Throttled) as refused:
        gate.check("192.0.2.3", "name:alice", NOON)

    assert refused.value.retry_after == 30
    gate.check("192.0.2.3", "name:bob", NOON)


def test_a_source_that_sprays_many_names_is_slowed():
    gate = small()
    for name in ("name:a", "name:b", "name:c"):
        gate.failed("192.0.2.1", name, NOON)

    with pytest.raises(Throttled):
        gate.check("192.0.2.1", "name:d", NOON)

    gate.check("192.0.2.2", "name:d", NOON)


def test_the_delay_passes():
    gate = small()
    gate.failed("", "name:alice", NOON)
    gate.failed("", "name:alice", NOON)

    gate.check("", "name:alice", Instant(NOON + 30 * SECOND))


def test_a_name_can_be_let_in_again():
    gate = small()
    gate.failed("", "name:alice", NOON)
    gate.failed("", "name:alice", NOON)

    gate.forget("name:alice")

    gate.check("", "name:alice", NOON)


def test_without_a_source_and_a_name_nothing_is_counted():
    gate = small()
    for _ in range(9):
        gate.failed("", "", NOON)

    gate.check("", "", NOON)


def test_a_name_is_never_shut_for_good():
    gate = small()
    for round_ in range(120):
        gate.failed("", "name:alice", Instant(NOON + round_ * 3_600 * SECOND))

    gate.check("", "name:alice", Instant(NOON + 200 * 3_600 * SECOND))


def test_a_flood_of_names_forgets_the_oldest_and_keeps_the_memory_small(monkeypatch):
    monkeypatch.setattr(gates, "REMEMBERED", 4)
    gate = small()
    gate.failed("", "name:alice", NOON)
    gate.failed("", "name:alice", NOON)
    for number in range(4):
        gate.failed("", f"name:{number}", NOON)

    gate.check("", "name:alice", NOON)
    assert len(gate._seen) == 4


def test_what_people_type_into_the_name_field_is_not_kept_as_typed():
    gate = small()
    gate.failed("", "name:my secret password", NOON)

    assert "password" not in repr(gate)
    assert all(b"password" not in key for key in gate._seen)
