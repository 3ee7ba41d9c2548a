"""The terms on which a dialect signs people in, where they differ from those of its realm.

Another product's contract fixes lives, budgets and who is asked for a second factor. It says so
here, as a value; what follows from it is for the ceremonies, and the same for every dialect.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from twofold.core.networks import Networks
from twofold.core.policy import Lifetime, Policy
from twofold.core.throttle import Limits
from twofold.core.types import SECOND, Aal

USE_NOTED = 60 * SECOND
"""How exactly it is known when a session was last used; a write per request would be dear."""

DIALECT = "dialect:"
"""How the client of a dialect's ceremonies and sessions is called; no application can be."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What differs from the realm; None and empty leave it as it is. Times in seconds."""

    admins_alike: bool = False
    """Whether administrators are asked for a second factor like everybody, and not sooner."""
    trusted_networks: Networks = field(default_factory=Networks)
    """Further networks from which the second step of a login is not asked for."""
    ceremony_life: int | None = None
    guesses: Limits | None = None
    guesses_per_ceremony: int | None = None
    passwords: Limits | None = None
    """The budget of the factor that ceremonies begin with, where it is not that of the others;
    whoever knows the right password is then told that it is spent."""
    password_life: int | None = None
    """After which a password is too old to sign in with."""
    links: Mapping[str, int] = field(default_factory=dict)
    """How long mailed links are good, by what they are for."""
    sessions: Lifetime | None = None
    access_life: int | None = None
    registration: bool | None = None
    asks_at_once: bool = True
    """Whether a password step has a code sent, where one must be asked for."""
    any_proof: bool = False
    """Whether an administrator may act with whatever its session has proved."""
    window: tuple[int, int] | None = None
    """How many steps before and after now a code may be of."""
    adopts: str = ""
    """The kind of factor that a login itself sets up where one is demanded and none is there:
    kept pending, shown with every login, and bound by the first right answer."""
    issuer: str = ""
    """How the service is called in the apps of factors that are set up so."""
    parameters: Mapping[str, str | int] = field(default_factory=dict)
    """How such a new factor makes its codes."""
    newest_only: bool = False
    """Whether a new password step ends the pending login before it."""
    most_sessions: int | None = None
    """How many sessions a subject may have here at a time."""
    use_noted: int = USE_NOTED
    """Microseconds: how exactly it is known when a session was last used."""
    refresh_once: bool = False
    """Whether a refresh token is dead at once, also for an honest retry."""

    def applied(self, policy: Policy) -> Policy:
        """Return the policy as it is on these terms."""
        if self is NATIVE:
            return policy
        found: dict[str, Any] = {
            "ceremony_life": self.ceremony_life,
            "enrolment_life": self.ceremony_life if self.adopts else None,
            "guesses": self.guesses,
            "guesses_per_ceremony": self.guesses_per_ceremony,
            "access_life": self.access_life,
            "registration": self.registration,
            "sessions": None if self.sessions is None else dict.fromkeys(Aal, self.sessions),
            "admins": policy.enforcement if self.admins_alike else None,
        }
        changes = {name: value for name, value in found.items() if value is not None}
        if self.trusted_networks.entries:
            both = (*policy.trusted_networks.entries, *self.trusted_networks.entries)
            changes["trusted_networks"] = Networks(both)
        return replace(policy, **changes)


NATIVE = Terms()
"""The realm's own terms."""
