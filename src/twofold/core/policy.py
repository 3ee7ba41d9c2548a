"""Who must prove what, as one pure function of what is known, with its reasons.

The reasons are audited, so a decision can be explained and replayed later.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from twofold.core.networks import Networks
from twofold.core.throttle import Limits
from twofold.core.types import SECOND, Aal, Category, Device, Instant, Subject
from twofold.core.values import quick

ACR = {Aal.ONE: "urn:twofold:aal1", Aal.TWO: "urn:twofold:aal2", Aal.THREE: "urn:twofold:aal3"}
"""Authentication context class references, by level."""

DAY = 86_400
"""Seconds."""

_ALIASES = {
    "1": Aal.ONE,
    "aal1": Aal.ONE,
    ACR[Aal.ONE]: Aal.ONE,
    "2": Aal.TWO,
    "aal2": Aal.TWO,
    "mfa": Aal.TWO,
    "http://schemas.openid.net/pape/policies/2007/06/multi-factor": Aal.TWO,
    "https://refeds.org/profile/mfa": Aal.TWO,
    ACR[Aal.TWO]: Aal.TWO,
    "aal3": Aal.THREE,
    ACR[Aal.THREE]: Aal.THREE,
}


class Enforcement(StrEnum):
    """Whether a second factor is never asked, asked where there is one, or demanded."""

    OFF = "off"
    OPTIONAL = "optional"
    REQUIRED = "required"


WISH = "twofold.second_step"
"""The attribute that says, for one subject, whether a second step is asked for.

It counts where the realm leaves the choice to its subjects; no face writes it freely."""

_STRICTNESS = {enforcement: strictness for strictness, enforcement in enumerate(Enforcement)}


class Profile(StrEnum):
    """How collisions of a vendor's contract with a standard are settled."""

    COMPAT = "compat"
    STANDARD = "standard"
    STRICT = "strict"


class Closing(StrEnum):
    """Which sessions end when factors change."""

    OTHERS = "others"
    ALL = "all"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Lifetime:
    """When a session ends: ``idle`` seconds unused, ``absolute`` seconds in all."""

    idle: int
    absolute: int


@dataclass(frozen=True, slots=True)
class ClientRule:
    """What one application demands beyond its realm."""

    enforcement: Enforcement | None = None
    aal: Aal = Aal.ONE
    max_age: int | None = None


@dataclass(frozen=True, slots=True)
class Remembering:
    """How long a browser may be spared the second step of a login, and whose."""

    days: int = 30
    """0 remembers none, and forgets those that are."""
    admins: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules of a realm; times in seconds."""

    enforcement: Enforcement = Enforcement.OPTIONAL
    admins: Enforcement = Enforcement.REQUIRED
    groups: Mapping[str, Enforcement] = field(default_factory=dict)
    clients: Mapping[str, ClientRule] = field(default_factory=dict)
    trusted_networks: Networks = field(default_factory=Networks)
    kinds: tuple[str, ...] = ("totp", "email", "webauthn", "sms", "webhook")
    """Second factors that may be bound and used, in order of preference."""
    grace: int = 0
    """How long after a subject was created a demanded enrolment may be put off."""
    fresh: int = 300
    """How old a proof may be for changing factors; STANDARDS cap it at 15 minutes."""
    closing: Closing = Closing.OTHERS
    registration: bool = False
    deletion: bool = False
    ceremony_life: int = 300
    enrolment_life: int = 900
    guesses_per_ceremony: int = 5
    guesses: Limits = field(default_factory=Limits)
    sessions: Mapping[Aal, Lifetime] = field(
        default_factory=lambda: {
            Aal.ONE: Lifetime(idle=14 * 86_400, absolute=30 * 86_400),
            Aal.TWO: Lifetime(idle=3_600, absolute=86_400),
            Aal.THREE: Lifetime(idle=900, absolute=43_200),
        }
    )
    access_life: int = 900
    """How long an access token is good before it must be refreshed."""
    remember: Remembering = field(default_factory=Remembering)
    sign_in_notice: bool = True
    """Whether owners are told of a sign-in from a browser that is new to the account."""
    unused: int = 28 * DAY
    """How long a new method may go unused before its owner is reminded; 0 for ever."""
    profile: Profile = Profile.STANDARD

    def lifetime(self, aal: Aal) -> Lifetime:
        """Return when a session of this level ends."""
        return self.sessions[aal]

    def remembers(self, subject: Subject) -> int:
        """Return for how many days a browser of this subject may be remembered, 0 for never.

        SP 800-63B section 5.1: it is no authenticator; ``strict`` does without it.
        """
        barred = subject.admin and not self.remember.admins
        return 0 if barred or self.profile is Profile.STRICT else self.remember.days


@quick
@dataclass(frozen=True, slots=True)
class Requirement:
    """What must be proved (RFC 9470); it can be raised, never lowered."""

    aal: Aal = Aal.ONE
    max_age: int | None = None


@quick
@dataclass(frozen=True, slots=True)
class Proven:
    """One proof a ceremony has gathered."""

    kind: str
    amr: tuple[str, ...]
    aal: Aal
    category: Category
    at: Instant
    first: bool = False


class Need(StrEnum):
    """What is missing."""

    NOTHING = "nothing"
    SECOND_FACTOR = "second-factor"
    ENROLMENT = "enrolment"
    IMPOSSIBLE = "impossible"


@quick
@dataclass(frozen=True, slots=True)
class Decision:
    """What is missing, and why; ``skippable_until`` when an enrolment may be put off."""

    need: Need
    reasons: tuple[str, ...]
    skippable_until: Instant | None = None
    trusted: bool = False
    """Whether only a trusted network, or a remembered browser, spared the second step."""
    remembered: bool = False
    """Whether it was the browser."""


@quick
@dataclass(frozen=True, slots=True)
class Situation:
    """Everything a decision may look at."""

    subject: Subject
    usable: frozenset[str]
    """Kinds of second factors the subject has, active and allowed."""
    strong: frozenset[str]
    """Those among ``usable`` that help to reach AAL2."""
    proofs: tuple[Proven, ...]
    address: str
    client: str
    require: Requirement
    now: Instant
    device: Device | None = None
    """The remembered browser that asks, its token found good."""


def parse_acr(values: str) -> Aal | None:
    """Return the lowest level that satisfies a space-separated acr_values, None if unknown."""
    levels = [_ALIASES[value] for value in values.split() if value in _ALIASES]
    return min(levels, default=None)


def level(proofs: Iterable[Proven]) -> Aal:
    """Return the assurance level of what was proved.

    AAL2 needs two different categories, one of them a factor that can reach it: a password with
    a mailed code, or with a trusted network, stays AAL1 (SP 800-63B-4 section 2.2.1, 3.1.3.1).
    A key that its holder unlocked is two by itself. AAL3 is never said: keys may be synced.
    """
    gathered = tuple(proofs)
    categories = {proof.category for proof in gathered}
    if len(categories) > 1 or Category.MULTI_FACTOR in categories:
        return min(Aal.TWO, max([proof.aal for proof in gathered]))
    return Aal.ONE


def references(proofs: Iterable[Proven], reached: Aal, *, trusted: bool = False) -> tuple[str, ...]:
    """Return the amr values (RFC 8176) of proofs that reached a level, without repeats."""
    values = dict.fromkeys([value for proof in proofs for value in proof.amr])
    if trusted:
        values["rba"] = None
    if reached >= Aal.TWO:
        values["mfa"] = None
    return tuple(values)


def wishing(subject: Subject, wish: Enforcement | None) -> dict[str, object]:
    """Return a subject's attributes with this wish, or with none."""
    kept = {name: value for name, value in subject.attributes.items() if name != WISH}
    return kept if wish is None else {**kept, WISH: str(wish)}


def enforced(policy: Policy, subject: Subject, client: str) -> tuple[Enforcement, str]:
    """Return the strictest enforcement that applies, and the rule it comes from."""
    rules = [(policy.enforcement, "realm")]
    if subject.admin:
        rules.append((policy.admins, "admins"))
    rules += [(policy.groups[g], f"group:{g}") for g in subject.groups if g in policy.groups]
    rule = policy.clients.get(client)
    if rule is not None and rule.enforcement is not None:
        rules.append((rule.enforcement, f"client:{client}"))
    found = rules[0]
    if len(rules) > 1:
        found = max(rules, key=lambda pair: _STRICTNESS[pair[0]])
    if found[0] is Enforcement.OPTIONAL and WISH in subject.attributes:
        return Enforcement(str(subject.attributes[WISH])), "subject"
    return found


def demanded(policy: Policy, client: str, require: Requirement) -> Requirement:
    """Raise a requirement by what the client's rule demands."""
    rule = policy.clients.get(client)
    if rule is None:
        return require
    ages = [age for age in (require.max_age, rule.max_age) if age is not None]
    return Requirement(aal=max(require.aal, rule.aal), max_age=min(ages, default=None))


def decide(policy: Policy, situation: Situation) -> Decision:
    """Say what a ceremony whose first factor is proved still needs."""
    require = demanded(policy, situation.client, situation.require)
    if require.aal > level(situation.proofs):
        return _for_level(situation, require)
    if not all(proof.first for proof in situation.proofs):
        return Decision(Need.NOTHING, ("second-factor-proved",))
    enforcement, rule = enforced(policy, situation.subject, situation.client)
    if enforcement is Enforcement.OFF:
        return Decision(Need.NOTHING, (f"enforcement-off:{rule}",))
    if policy.trusted_networks.contains(situation.address):
        return Decision(Need.NOTHING, ("trusted-network",), trusted=True)
    if situation.usable:
        if _is_spared(policy, situation, require):
            return Decision(Need.NOTHING, ("remembered-browser",), trusted=True, remembered=True)
        return Decision(Need.SECOND_FACTOR, ("second-factor-bound",))
    if enforcement is Enforcement.OPTIONAL:
        return Decision(Need.NOTHING, (f"enforcement-optional:{rule}", "no-second-factor"))
    return _enrolment(policy, situation, f"enforcement-required:{rule}")


def _is_spared(policy: Policy, situation: Situation, require: Requirement) -> bool:
    """Say whether a remembered browser is enough: a demand for fresh proof is never met by it."""
    device = situation.device
    if device is None or require.max_age is not None:
        return False
    return situation.now < remembered_until(policy, situation.subject, device)


def remembered_until(policy: Policy, subject: Subject, device: Device) -> Instant:
    """Return until when a browser is remembered, by the policy of today (I10).

    A shorter life, or none, holds for browsers that were remembered before.
    """
    life = policy.remembers(subject) * DAY * SECOND
    return Instant(min(device.trusted_until, device.created_at + life))


def _for_level(situation: Situation, require: Requirement) -> Decision:
    reason = f"acr-demanded:{ACR[require.aal]}"
    if require.aal > Aal.TWO:
        return Decision(Need.IMPOSSIBLE, (reason, "no-such-factor"))
    if situation.strong:
        return Decision(Need.SECOND_FACTOR, (reason,))
    if situation.usable and not any(not proof.first for proof in situation.proofs):
        # A weaker second factor must be proved before a stronger one may be bound (A61).
        return Decision(Need.SECOND_FACTOR, (reason, "weaker-factor-first"))
    return Decision(Need.ENROLMENT, (reason, "no-strong-factor"))


def _enrolment(policy: Policy, situation: Situation, reason: str) -> Decision:
    until = Instant(situation.subject.created_at + policy.grace * SECOND)
    # No grace for administrators: what they may do is worth more than their convenience.
    patient = situation.now < until and not situation.subject.admin
    skippable = until if patient else None
    return Decision(Need.ENROLMENT, (reason, "no-second-factor"), skippable_until=skippable)


def fresh_enough(
    policy: Policy, auth_time: Instant, now: Instant, max_age: int | None = None
) -> bool:
    """Say whether a proof is young enough, by the policy's own limit unless another is given."""
    limit = policy.fresh if max_age is None else max_age
    return now - auth_time <= limit * SECOND
