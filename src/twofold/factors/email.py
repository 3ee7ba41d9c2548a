"""Codes by mail: a second step, but never a second factor (SP 800-63B-4 section 3.1.3.1)."""

from __future__ import annotations

from twofold.core.types import Aal, Category
from twofold.factors._out_of_band import OutOfBand


def email(
    *, digits: int = 6, lifetime: int = 600, cooldown: int = 60, daily: int = 30
) -> OutOfBand:
    """The factor ``email``; RFC 8176 has no word for mail, so ``amr`` adds our own."""
    return OutOfBand(
        "email", ("otp", "email"), Aal.ONE, Category.MAILBOX, "email", "email",
        digits, lifetime, cooldown, daily,
    )  # fmt: skip
