"""The key file appears whole, is private, and a change of it is noticed without a restart."""

import os
import stat

import pytest

from twofold.adapters.keyfile import LOOK_EVERY, SETTLE, KeyFile, make_private
from twofold.core import keyring
from twofold.core.errors import Misconfigured
from twofold.core.keyring import Keyring, MasterKey
from twofold.core.types import SECOND, Instant

NOW = Instant(1_800_000_000 * SECOND)


class Clock:
    def __init__(self):
        self.moment = NOW

    def now(self):
        return self.moment


class Ticks:
    def __init__(self):
        self.seconds = 0.0

    def __call__(self):
        return self.seconds


def master(age: int = 3_600) -> MasterKey:
    return MasterKey.of(os.urandom(32), Instant(NOW - age * SECOND))


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def ticks():
    return Ticks()


@pytest.fixture
def file(tmp_path, clock, ticks):
    return KeyFile(tmp_path / "twofold.key", clock, ticks)


def test_what_is_created_is_read_and_is_nobody_elses(file, tmp_path):
    ring = Keyring((master(), master()))

    assert file.create(ring)

    assert file.read() == ring
    assert file.ring() == ring
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["twofold.key"]


def test_the_first_of_two_creators_wins(file, clock, tmp_path):
    first, second = Keyring((master(),)), Keyring((master(),))

    assert file.create(first)
    assert not KeyFile(file.path, clock).create(second)

    assert file.read() == first
    assert [entry.name for entry in tmp_path.iterdir()] == ["twofold.key"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620, 0o660])
def test_a_file_that_others_may_touch_is_refused(file, mode):
    file.create(Keyring((master(),)))
    file.path.chmod(mode)

    with pytest.raises(Misconfigured, match=f"mode {mode:04o} lets others in"):
        file.ring()


def test_what_is_missing_or_no_file_is_refused(file):
    with pytest.raises(Misconfigured, match="No such file"):
        file.ring()
    file.path.mkdir()
    with pytest.raises(Misconfigured, match="is no file"):
        file.ring()
    file.path.rmdir()
    os.mkfifo(file.path, 0o600)
    with pytest.raises(Misconfigured, match="is no file"):
        file.ring()


@pytest.mark.parametrize("text", ["", "{}", "\x00", "x" * 70_000])
def test_what_is_damaged_is_refused(file, text):
    file.create(Keyring((master(),)))
    file.path.write_text(text)

    with pytest.raises(Misconfigured, match="key file"):
        file.ring()


def test_a_replaced_file_is_noticed_at_the_next_look(file, ticks):
    old = Keyring((master(),))
    file.create(old)
    assert file.ring() == old
    new = old.with_newest(master())

    file.replace(new)

    assert file.ring() == old
    ticks.seconds += LOOK_EVERY
    assert file.ring() == new


def test_a_file_edited_in_place_is_noticed_too(file, ticks):
    old = Keyring((master(),))
    file.create(old)
    file.ring()
    new = old.with_newest(master())

    file.path.write_text(keyring.dump(new))

    ticks.seconds += LOOK_EVERY
    assert file.ring() == new


def test_an_unchanged_file_gives_the_same_ring(file, ticks):
    file.create(Keyring((master(),)))
    ring = file.ring()

    ticks.seconds += LOOK_EVERY
    assert file.ring() is ring


def test_a_new_key_is_only_accepted_until_every_process_has_seen_it(file, clock, ticks):
    old = master()
    file.create(Keyring((old,)))
    file.ring()
    new = MasterKey.of(os.urandom(32), clock.now())

    file.replace(Keyring((new, old)))
    ticks.seconds += LOOK_EVERY
    assert file.ring().masters == (old, new)
    assert file.read().masters == (new, old)

    clock.moment += SETTLE
    ticks.seconds += LOOK_EVERY
    assert file.ring().masters == (new, old)


def test_the_very_first_key_needs_no_patience(file, clock):
    new = MasterKey.of(os.urandom(32), clock.now())

    file.create(Keyring((new,)))

    assert file.ring().masters == (new,)


@pytest.mark.parametrize("slip", ["remove", "damage", "open"])
def test_a_slip_of_the_hand_does_not_stop_a_server_that_knows_its_keys(file, ticks, slip):
    ring = Keyring((master(),))
    file.create(ring)
    file.ring()
    match slip:
        case "remove":
            file.path.unlink()
        case "damage":
            file.path.write_text("{")
        case "open":
            file.path.chmod(0o644)
            file.path.write_text(keyring.dump(ring) + " ")

    ticks.seconds += LOOK_EVERY

    assert file.ring() == ring


def test_a_failed_write_leaves_the_old_file_and_no_draft(file, tmp_path):
    ring = Keyring((master(),))
    file.create(ring)
    blocked = KeyFile(tmp_path / "none" / "twofold.key", Clock())

    with pytest.raises(OSError, match="No such file"):
        blocked.replace(ring)

    assert file.read() == ring
    assert [entry.name for entry in tmp_path.iterdir()] == ["twofold.key"]


def test_who_holds_the_lock_holds_others_off(file):
    import fcntl

    with file.locked():
        handle = os.open(file.path.parent, os.O_RDONLY)
        with pytest.raises(BlockingIOError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(handle)


def test_a_directory_is_made_private_with_its_parents(tmp_path):
    make_private(tmp_path / "a" / "b")

    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o700


def test_a_directory_that_is_there_stays_as_its_owner_made_it(tmp_path):
    (tmp_path / "a").mkdir(mode=0o750)

    make_private(tmp_path / "a")

    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o750


def test_a_file_in_the_place_of_a_directory_is_named(tmp_path):
    (tmp_path / "a").write_text("")

    with pytest.raises(Misconfigured, match="is no directory"):
        make_private(tmp_path / "a")
    with pytest.raises(Misconfigured, match="cannot be made"):
        make_private(tmp_path / "a" / "b")
