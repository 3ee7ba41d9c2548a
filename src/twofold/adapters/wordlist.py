"""The block list of common passwords, read from the package once by whoever wires the house."""

from __future__ import annotations

from importlib import resources


def common_passwords() -> frozenset[bytes]:
    """More than 11,000 passwords as core.passwords.digest knows them; the file names its source."""
    text = resources.files(__package__).joinpath("common_passwords.txt").read_text("ascii")
    return frozenset(bytes.fromhex(line) for line in text.splitlines() if not line.startswith("#"))
