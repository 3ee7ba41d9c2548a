"""The one door to Argon2: the reference's known answers, and what is refused before a hash."""

import json
from pathlib import Path

import pytest
from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import hash_secret

from twofold.core.errors import Misconfigured
from twofold.factors import _argon2
from twofold.factors._argon2 import CHEAPEST, DRAWN, OWASP, Argon2, verify

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "argon2id.json").read_text())
SALT = b"sixteen bytes !!"


@pytest.mark.parametrize("case", VECTORS["vectors"], ids=lambda case: case["encoded"][:28])
def test_the_known_answers_of_the_reference_come_out(case):
    cost = Argon2(case["memory_kib"], case["time"], case["lanes"])
    secret, salt = case["secret"].encode(), case["salt"].encode()

    assert cost.raw(secret, salt).hex() == case["tag"]
    assert cost.hash(secret, salt) == case["encoded"]
    assert verify(case["encoded"], secret)
    assert not verify(case["encoded"], secret + b" ")


def test_a_hash_is_verified_under_its_own_parameters():
    for cost in (CHEAPEST, Argon2(16, 2, 2), DRAWN):
        assert verify(cost.hash(b"secret", SALT), b"secret")


def test_another_program_reads_our_hashes():
    assert PasswordHasher().verify(CHEAPEST.hash(b"secret", SALT), b"secret")


@pytest.mark.parametrize("other", [Argon2(9, 1, 1), Argon2(8, 2, 1), Argon2(16, 1, 2)])
def test_a_hash_made_otherwise_needs_a_new_one(other):
    assert other.needs_rehash(CHEAPEST.hash(b"secret", SALT))
    assert not other.needs_rehash(other.hash(b"secret", SALT))


def test_another_variant_of_argon2_needs_a_new_hash():
    argon2i = hash_secret(b"secret", SALT, 1, 8, 1, 32, Type.I).decode()

    assert CHEAPEST.needs_rehash(argon2i)


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({"memory_kib": 0}, "memory_kib"),
        ({"memory_kib": 7}, "memory_kib"),
        ({"memory_kib": 15, "lanes": 2}, "memory_kib"),
        ({"memory_kib": 2**32}, "memory_kib"),
        ({"time": 0}, "time"),
        ({"time": 65}, "time"),
        ({"lanes": 0}, "lanes"),
        ({"lanes": -1}, "lanes"),
        ({"lanes": 17}, "lanes"),
    ],
)
def test_parameters_argon2_has_not_are_refused_by_name(parameters, named):
    with pytest.raises(Misconfigured, match=named):
        Argon2(**parameters)


def test_all_faults_are_said_at_once():
    with pytest.raises(Misconfigured) as refused:
        Argon2(memory_kib=0, time=0, lanes=0)

    assert len(refused.value.faults) == 2
    assert all("argon2" in fault for fault in refused.value.faults)


def test_the_default_is_what_the_architecture_says():
    assert Argon2() == OWASP == Argon2(memory_kib=19_456, time=2, lanes=1)


@pytest.mark.parametrize("name", ["OWASP", "ASVS", "RFC9106_LOW_MEMORY", "DRAWN", "CHEAPEST"])
def test_every_named_profile_is_one_argon2_can_do(name):
    cost = getattr(_argon2, name)

    assert cost.memory_kib >= 8 * cost.lanes


def test_a_decoy_is_a_hash_that_costs_the_same_and_is_never_right():
    decoy = OWASP.decoy(SALT, b"\0" * 32)

    assert not OWASP.needs_rehash(decoy)
    assert len(decoy) == len(OWASP.hash(b"secret", SALT))
    assert not verify(CHEAPEST.decoy(SALT, b"\0" * 32), b"secret")


@pytest.mark.parametrize("broken", ["", "$argon2id$", "plain", "$argon2id$v=19$m=8,t=1,p=1$AAAA$"])
def test_a_hash_that_cannot_be_read_is_no_wrong_guess(broken):
    with pytest.raises((InvalidHashError, VerificationError)):
        verify(broken, b"secret")
