"""Prepared MACs against the standard library's own."""

from __future__ import annotations

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twofold.core.mac import Mac, mac


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha512"])
@pytest.mark.parametrize("size", [0, 1, 20, 63, 64, 65, 127, 128, 129, 200])
def test_a_key_of_any_size_gives_what_the_standard_library_gives(algorithm: str, size: int) -> None:
    key = bytes(range(200))[:size]
    prepared = Mac(key, algorithm)

    for message in (b"", b"a", b"b" * 300):
        assert prepared.digest(message) == hmac.digest(key, message, algorithm)


@given(st.binary(max_size=100), st.binary(max_size=200))
def test_a_key_of_the_ring_gives_what_the_standard_library_gives(
    key: bytes, message: bytes
) -> None:
    assert mac(key, message) == hmac.digest(key, message, "sha256")


def test_a_prepared_key_does_not_show_itself() -> None:
    assert "secret" not in repr(Mac(b"secret", "sha1"))
