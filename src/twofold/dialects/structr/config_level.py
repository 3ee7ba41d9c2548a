"""Structr's enforcement level: the realm's own policy under another name, not a second truth.

Whoever must use two factors must do so at every door of the house (decision 0049).
"""

from __future__ import annotations

from typing import Final

from twofold.core.policy import Enforcement, Policy
from twofold.dialects.structr.config import TWO_FACTOR

NAME: Final = f"{TWO_FACTOR}level"
POLICY_KEY: Final = "enforcement"
ENFORCEMENTS: Final = (Enforcement.OFF, Enforcement.OPTIONAL, Enforcement.REQUIRED)
"""By level."""


def of(policy: Policy) -> int:
    """The level that a policy amounts to."""
    return ENFORCEMENTS.index(policy.enforcement)
