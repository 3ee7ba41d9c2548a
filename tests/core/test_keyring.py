"""The ring: derivation, rotation, its file, and what it refuses."""

import hashlib
import json
import random

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from twofold.core.errors import Misconfigured
from twofold.core.keyring import Keyring, MasterKey, dump, load, weakness
from twofold.core.types import Instant

NOW = Instant(1_795_000_000_000_000)


def master(number):
    return MasterKey.of(hashlib.sha256(b"test key %d" % number).digest(), Instant(NOW + number))


OLD, NEW, THIRD = master(1), master(2), master(3)
RING = Keyring((NEW, OLD))


def test_a_key_is_derived_with_hkdf_for_each_purpose():
    reference = HKDF(SHA256(), 32, b"twofold", b"seal").derive(NEW.secret.value)
    assert RING.current("seal") == (bytes.fromhex(NEW.id), reference)


def test_purposes_and_masters_never_share_a_key():
    keys = [key for purpose in ("seal", "ticket", "token") for _, key in RING.derive(purpose)]
    assert len(set(keys)) == 6
    assert not set(keys) & {NEW.secret.value, OLD.secret.value}


def test_the_newest_makes_and_all_are_accepted():
    (newest, old) = RING.derive("seal")
    assert RING.current("seal") == newest
    assert RING.find("seal", old[0]) == old[1]
    assert list(RING.keys("seal")) == [bytes.fromhex(NEW.id), bytes.fromhex(OLD.id)]
    assert RING.find("seal", b"none") is None


def test_asking_again_gives_the_same_without_deriving():
    assert RING.keys("seal") is RING.keys("seal")


def test_rotation_puts_a_key_in_front_and_may_take_one_out():
    rotated = RING.with_newest(THIRD)
    assert [m.id for m in rotated.masters] == [THIRD.id, NEW.id, OLD.id]
    assert rotated.find("seal", bytes.fromhex(OLD.id)) == RING.find("seal", bytes.fromhex(OLD.id))
    assert rotated.without(OLD.id).without(NEW.id) == Keyring((THIRD,))
    with pytest.raises(Misconfigured):
        Keyring((THIRD,)).without(THIRD.id)
    with pytest.raises(Misconfigured):
        rotated.with_newest(OLD)


def test_a_database_knows_its_keys_again():
    remembered = Keyring((OLD,)).fingerprint()
    assert RING.strangers(remembered) == ()
    assert Keyring((NEW,)).strangers(remembered) == (OLD.id,)
    assert RING.strangers({OLD.id: "0" * 64}) == (OLD.id,)
    assert RING.strangers({}) == ()
    assert OLD.secret.value.hex() not in json.dumps(remembered)


def test_the_file_is_read_back():
    assert load(dump(RING)) == RING


@given(st.lists(st.integers(0, 50), min_size=1, max_size=5, unique=True))
def test_any_ring_is_read_back_in_order(numbers):
    ring = Keyring(tuple(map(master, numbers)))
    assert load(dump(ring)).masters == ring.masters


def test_no_repr_shows_a_secret():
    RING.keys("seal")
    shown = repr(RING) + str(RING.masters)
    for secret in (NEW.secret.value, RING.current("seal")[1]):
        assert secret.hex() not in shown
        assert repr(secret)[2:-1] not in shown


def broken(change):
    document = json.loads(dump(RING))
    change(document)
    return json.dumps(document)


def flip(document):
    text = document["keys"][1]["secret"]
    document["keys"][1]["secret"] = ("B" if text[0] == "A" else "A") + text[1:]


BROKEN = [
    ("", "line 1 column 1"),
    ('{"version": 1,\n"keys": [}', "line 2 column 10"),
    ('{"version": 1, "version": 1, "keys": []}', "no key file"),
    ("[" * 60_000, "no key file"),
    ('{"version": ' + "1" * 5000 + "}", "no key file"),
    (" " * 65_537, "too long"),
    ("[]", "version"),
    ("null", "version"),
    (broken(lambda d: d.update(version=2)), "version"),
    (broken(lambda d: d.update(keys={})), "keys"),
    (broken(lambda d: d.update(more=1)), "keys"),
    (broken(lambda d: d.update(keys=[])), "no key in it"),
    (broken(lambda d: d["keys"].append(d["keys"][0])), "twice"),
    (broken(lambda d: d["keys"].append("x")), "keys[2]"),
    (broken(lambda d: d["keys"][1].pop("id")), "keys[1]"),
    (broken(lambda d: d["keys"][1].update(more=1)), "keys[1]"),
    (broken(lambda d: d["keys"][1].update(created_at="1")), "keys[1]"),
    (broken(lambda d: d["keys"][1].update(secret="a b")), "keys[1].secret: not base64url"),
    (broken(lambda d: d["keys"][1].update(secret="AAAA")), "keys[1].secret: the secret has fewer"),
    (broken(lambda d: d["keys"][1].update(id="00000000")), "keys[1].id"),
    (broken(flip), "keys[1].id"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "place"), BROKEN, ids=[place for _, place in BROKEN])
def test_a_broken_file_is_refused_by_line_or_field_and_no_secret_is_said(text, place):
    with pytest.raises(Misconfigured) as caught:
        load(text)
    assert place in caught.value.detail
    assert caught.value.__cause__ is None
    for key in json.loads(dump(RING))["keys"]:
        assert key["secret"][1:] not in caught.value.detail


def test_all_faults_of_a_file_are_said_at_once():
    text = broken(lambda d: [key.update(secret="AAAA") for key in d["keys"]])
    with pytest.raises(Misconfigured) as caught:
        load(text)
    assert len(caught.value.faults) == 2


@pytest.mark.parametrize(
    "secret",
    [
        b"", bytes(31), bytes(32), b"\xff" * 64, bytes(range(32)), bytes(range(255, 191, -1)),
        bytes(range(0, 256, 8)), b"changeme" * 4, b"correct horse battery staple, 2026\n",
        b"0123456789abcdef0123456789abcdef", bytes.fromhex("00ff" * 16),
        hashlib.sha256(b"x").digest()[:16] * 2, hashlib.sha256(b"x").hexdigest().encode(),
    ],
    ids=range(13),
)  # fmt: skip
def test_samples_and_repetitions_are_no_secrets(secret):
    assert weakness(secret) is not None
    with pytest.raises(Misconfigured, match="master key"):
        MasterKey.of(secret, NOW)


def test_random_bytes_are_taken():
    source = random.Random(1)
    assert all(weakness(source.randbytes(32)) is None for _ in range(20_000))
