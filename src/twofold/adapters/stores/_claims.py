"""Which identifiers a subject owns: the one rule both stores enforce uniqueness by."""

from __future__ import annotations

from twofold.core import identifiers
from twofold.core.types import Subject


def claims(subject: Subject) -> tuple[str, ...]:
    """Return the identifiers that lead to this subject and to no other of its realm.

    An address counts only once it is verified: an unverified sign-up must not lock out the
    owner of the mailbox, nor sign in by it.
    """
    owned = [identifiers.name(subject.name)]
    if subject.email is not None and subject.email_verified:
        owned.append(identifiers.email(subject.email))
    if subject.phone is not None and subject.phone_verified:
        owned.append(identifiers.phone(subject.phone))
    return tuple(owned)
