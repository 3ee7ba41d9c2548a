"""The ring of master keys, newest first, and everything that is derived from it.

Nothing is encrypted or signed with a master key itself: each purpose has its own key
(HKDF-SHA256), so that one purpose can never speak for another.
"""

from __future__ import annotations

import hmac
import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from twofold.core.encoding import from_base64url, to_base64url
from twofold.core.errors import Misconfigured
from twofold.core.types import Instant, Secret

SECRET_SIZE: Final = 32
"""Bytes of a master secret that we make; a longer one is taken too."""

_VERSION: Final = 1
_LONGEST_FILE: Final = 65_536
_FEWEST_DIFFERENT: Final = 16
_SALT: Final = b"twofold"
_PROBE: Final = b"does this key fit this database"


@dataclass(frozen=True, slots=True)
class MasterKey:
    """One master secret; its id is derived from it, so that a damaged one is noticed."""

    id: str
    """8 hexadecimal digits."""
    secret: Secret
    created_at: Instant

    @classmethod
    def of(cls, secret: bytes, created_at: Instant) -> MasterKey:
        """Take at least 32 random bytes; Misconfigured if they do not look random."""
        fault = weakness(secret)
        if fault is not None:
            raise Misconfigured((f"master key: {fault}",))
        return cls(_id_of(secret), Secret(secret), created_at)


@dataclass(frozen=True, slots=True)
class Keyring:
    """Master keys newest first: the first makes, all of them are accepted."""

    masters: tuple[MasterKey, ...]
    _derived: dict[str, dict[bytes, bytes]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    """By purpose and key id: a memo, as large as the list of purposes in our code."""
    _newest: dict[str, tuple[bytes, bytes]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    """Likewise, of what is asked for most."""

    def __post_init__(self) -> None:
        """Refuse an empty ring and a key that is in it twice."""
        if not self.masters:
            raise Misconfigured(("key ring: there is no key in it",))
        if len({master.id for master in self.masters}) != len(self.masters):
            raise Misconfigured(("key ring: a key is in it twice",))

    def keys(self, purpose: str) -> Mapping[bytes, bytes]:
        """The 32-byte keys for a purpose by their 4-byte ids, newest first."""
        known = self._derived.get(purpose)
        if known is None:
            known = self._derived[purpose] = {
                bytes.fromhex(master.id): _hkdf(master.secret.value, purpose)
                for master in self.masters
            }
        return known

    def derive(self, purpose: str) -> tuple[tuple[bytes, bytes], ...]:
        """Pairs of key id and key, newest first."""
        return tuple(self.keys(purpose).items())

    def current(self, purpose: str) -> tuple[bytes, bytes]:
        """The key id and key that new things are made with."""
        known = self._newest.get(purpose)
        if known is None:
            known = self._newest[purpose] = next(iter(self.keys(purpose).items()))
        return known

    def find(self, purpose: str, key_id: bytes) -> bytes | None:
        """The key with this id, if it is in the ring."""
        return self.keys(purpose).get(key_id)

    def with_newest(self, master: MasterKey) -> Keyring:
        """A ring that makes with ``master`` and still accepts all others."""
        return Keyring((master, *self.masters))

    def without(self, key_id: str) -> Keyring:
        """A ring that has forgotten one key; Misconfigured if nothing remains."""
        return Keyring(tuple(master for master in self.masters if master.id != key_id))

    def fingerprint(self, purpose: str = "fingerprint") -> dict[str, str]:
        """By key id, what the database remembers to know its keys again."""
        return {
            key_id.hex(): hmac.digest(key, _PROBE, "sha256").hex()
            for key_id, key in self.keys(purpose).items()
        }

    def strangers(self, remembered: Mapping[str, str]) -> tuple[str, ...]:
        """Ids of keys the database was used with that are not, or not the same, in this ring."""
        ours = self.fingerprint()
        return tuple(
            key_id
            for key_id, mark in remembered.items()
            if not hmac.compare_digest(ours.get(key_id, "").encode(), mark.encode())
        )


def weakness(secret: bytes) -> str | None:
    """Why a secret cannot have come from a random generator, or None.

    Thirty-two random bytes pass but for one chance in 10**12; samples, passphrases,
    counters and repetitions do not.
    """
    if len(secret) < SECRET_SIZE:
        return f"the secret has fewer than {SECRET_SIZE} bytes"
    steps = {(after - before) % 256 for before, after in itertools.pairwise(secret)}
    if len(set(secret)) < _FEWEST_DIFFERENT or len(steps) < _FEWEST_DIFFERENT:
        return "the secret is not random: it repeats itself"
    if secret.isascii() and secret.strip().decode().isprintable():
        return "the secret is not random: it is text"
    if secret in (secret + secret)[1:-1]:
        return "the secret is not random: it repeats itself"
    return None


def dump(ring: Keyring) -> str:
    """The text of the key file; it holds the secrets, so only a key file may hold it."""
    keys = [
        {
            "id": master.id,
            "created_at": master.created_at,
            "secret": to_base64url(master.secret.value),
        }
        for master in ring.masters
    ]
    return json.dumps({"version": _VERSION, "keys": keys}, indent=2) + "\n"


def load(text: str) -> Keyring:
    """Read what ``dump`` wrote; Misconfigured lists all faults by line or field, no secret."""
    document = _parsed(text)
    if not isinstance(document, dict) or document.get("version") != _VERSION:
        raise Misconfigured((f"key file: version: only {_VERSION} is known",))
    entries = document.get("keys")
    if not isinstance(entries, list) or set(document) != {"version", "keys"}:
        raise Misconfigured(("key file: expected are version and keys, a list",))
    masters: list[MasterKey] = []
    faults: list[str] = []
    for index, entry in enumerate(entries):
        read = _master(entry)
        if isinstance(read, MasterKey):
            masters.append(read)
        else:
            faults.append(f"key file: keys[{index}].{read}")
    if faults:
        raise Misconfigured(tuple(faults))
    return Keyring(tuple(masters))


def _parsed(text: str) -> object:
    if len(text) > _LONGEST_FILE:
        raise Misconfigured(("key file: too long",))
    try:
        return json.loads(text, object_pairs_hook=_unique)
    except json.JSONDecodeError as error:
        # The message of the parser names the place; `from None` keeps the text out.
        fault = f"key file: line {error.lineno} column {error.colno}: {error.msg}"
        raise Misconfigured((fault,)) from None
    except (ValueError, RecursionError):
        raise Misconfigured(("key file: this is no key file",)) from None


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError
    return found


def _master(entry: object) -> MasterKey | str:
    """The key, or the field that is wrong and why."""
    match entry:
        case {"id": str(key_id), "secret": str(text), "created_at": int(at), **rest} if not rest:
            secret = from_base64url(text)
        case _:
            return "id, secret, created_at: text, text and a whole number are expected"
    if secret is None:
        return "secret: not base64url without padding"
    fault = weakness(secret)
    if fault is not None:
        return f"secret: {fault}"
    if _id_of(secret) != key_id:
        return "id: does not belong to this secret; one of them is damaged"
    return MasterKey(key_id, Secret(secret), Instant(at))


def _id_of(secret: bytes) -> str:
    return _hkdf(secret, "key-id")[:4].hex()


def _hkdf(secret: bytes, purpose: str) -> bytes:
    """RFC 5869 with SHA-256, our salt, and one block of output."""
    extracted = hmac.digest(_SALT, secret, "sha256")
    return hmac.digest(extracted, purpose.encode() + b"\x01", "sha256")
