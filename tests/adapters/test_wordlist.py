"""The block list is there, large enough, and knows the passwords everybody knows."""

import pytest

from twofold.adapters.wordlist import common_passwords
from twofold.core.errors import WeakPassword
from twofold.core.passwords import digest, judge

BLOCKED = common_passwords()


def test_it_is_longer_than_the_standards_ask_for():
    """ASVS 5.0 6.2.4: at least the top 3000 that match the policy."""
    assert len(BLOCKED) > 11_000
    assert {len(entry) for entry in BLOCKED} == {6}


@pytest.mark.parametrize(
    "password",
    ["password", "Password123", "iloveyou", "trustno1", "sunshine", "baseball", "starwars"],
)
def test_what_everybody_tries_is_in_it(password):
    assert digest(password) in BLOCKED
    with pytest.raises(WeakPassword):
        judge(password, 8, (), BLOCKED)


def test_what_nobody_tries_is_not():
    assert digest("correct horse battery staple of a teapot") not in BLOCKED
