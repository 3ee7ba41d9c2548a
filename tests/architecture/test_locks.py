"""The lock files name hashes only: no index, no host and no path of the machine that wrote them."""

import re
from pathlib import Path

import pytest

REQUIREMENTS = Path(__file__).parents[2] / "requirements"
LOCKS = ["build", "runtime", "test"]

PIN = re.compile(r"^([a-z0-9][a-z0-9-]*)==(\S+)", re.MULTILINE)
PLACE = re.compile(r"https?:|file:/|\s/\w+|^--|index-url|find-links|trusted-host|@", re.MULTILINE)
WANTED = re.compile(r"^([A-Za-z0-9-]+)", re.MULTILINE)


def lock(name: str) -> str:
    return (REQUIREMENTS / f"{name}.txt").read_text()


def pins(name: str) -> dict[str, str]:
    return dict(PIN.findall(lock(name)))


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_names_no_place(name):
    assert PLACE.findall(lock(name)) == []


@pytest.mark.parametrize("name", LOCKS)
def test_every_pin_carries_hashes(name):
    entries = re.split(r"\n(?=[a-z0-9])", lock(name).split("\n", 6)[-1])
    bare = [entry.split("\n")[0] for entry in entries if "==" in entry and "sha256:" not in entry]

    assert bare == []


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_holds_what_was_asked_for(name):
    wanted = {line.lower() for line in WANTED.findall((REQUIREMENTS / f"{name}.in").read_text())}

    assert wanted - {"-c", "-r"} <= set(pins(name))


def test_what_is_tested_is_what_is_served():
    assert pins("runtime").items() <= pins("test").items()
