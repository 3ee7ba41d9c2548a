"""The policy of a realm as a document: its keys, their bounds, and the way there and back.

The same keys stand in the settings (``[policy]``), in the document that a realm keeps, and in the
admin API; each is declared once, here. The bounds are those of SP 800-63B and ASVS, as far as
they hold whatever the profile.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from twofold.core import fields
from twofold.core.errors import Malformed
from twofold.core.fields import Entry
from twofold.core.networks import Networks
from twofold.core.policy import (
    DAY,
    ClientRule,
    Closing,
    Enforcement,
    Lifetime,
    Policy,
    Profile,
    Remembering,
)
from twofold.core.throttle import MOST_CONSECUTIVE, Limits
from twofold.core.types import Aal

FRESH_AT_MOST = 900
"""Seconds: ASVS 7.5.1 and RFC 9470 want a proof that is minutes old."""

CEREMONY_AT_MOST = 600
"""Seconds: ASVS 6.6.2, 6.5.5."""

REMEMBERED_AT_MOST = 90
"""Days."""

BORNE_AT_LEAST = 5
"""Wrong guesses in a window: four of them are free of delay in every face."""

_RULE_KEYS = frozenset({"enforcement", "aal", "max_age"})
_LEVELS = ((1, "aal1"), (2, "aal2"), (3, "aal3"))


@dataclass(frozen=True, slots=True)
class _Rule:
    """The rule of one application, as JSON or TOML has it."""

    expected: str = "a table with enforcement, aal (1 to 3) and max_age (seconds)"

    def read(self, value: object) -> ClientRule:
        """Take a table of the three keys, each of which may be missing."""
        if not isinstance(value, Mapping) or not value.keys() <= _RULE_KEYS:
            raise fields.refused(self)
        enforcement, max_age = value.get("enforcement"), value.get("max_age")
        return ClientRule(
            enforcement=None if enforcement is None else _ENFORCEMENT.read(enforcement),
            aal=Aal(fields.Whole(1, 3).read(value.get("aal", 1))),
            max_age=None if max_age is None else fields.Whole(0, 400 * DAY).read(max_age),
        )

    def text(self, text: str) -> object:
        """Nobody writes a rule as bare text."""
        return text


_ENFORCEMENT = fields.Choice(Enforcement)
_KIND = fields.Text(
    "the name of a kind, such as totp", pattern="(?!recovery$|password$)[a-z][a-z0-9_]*", longest=32
)


def _lifetimes() -> Iterator[tuple[str, Entry]]:
    for number, name in _LEVELS:
        idle, absolute = f"sessions.{name}.idle", f"sessions.{name}.absolute"
        level = f"a session of assurance level {number}"
        yield idle, Entry(fields.Whole(1, 400 * DAY), f"Seconds without use that end {level}.")
        yield absolute, Entry(fields.Whole(1, 400 * DAY), f"Seconds after which {level} ends.")


ENTRIES: Mapping[str, Entry] = MappingProxyType(
    {
        "enforcement": Entry(
            _ENFORCEMENT,
            "Whether a second factor is never asked for, asked for where there is one,"
            " or demanded of everybody.",
        ),
        "admins": Entry(_ENFORCEMENT, "The same for administrators; the stricter rule wins."),
        "groups": Entry(
            fields.Table(_ENFORCEMENT, "group"), "The same by group; the stricter rule wins."
        ),
        "clients": Entry(
            fields.Table(_Rule(), "application"), "What single applications demand beyond that."
        ),
        "trusted_networks": Entry(
            fields.Nets(), "Networks from which the second step of a login is not asked for."
        ),
        "kinds": Entry(
            fields.Listed(_KIND, least=1),
            "Second factors that may be bound, in order of preference.",
        ),
        "grace": Entry(
            fields.Whole(0, 90 * DAY),
            "Seconds for which a new subject may put a demanded set-up off.",
        ),
        "fresh": Entry(
            fields.Whole(1, FRESH_AT_MOST),
            "Seconds for which a proof is fresh enough to change factors.",
        ),
        "closing": Entry(
            fields.Choice(Closing), "Which sessions end when a subject's factors change."
        ),
        "registration": Entry(fields.Truth(), "Whether anybody may register."),
        "deletion": Entry(fields.Truth(), "Whether owners may delete their own account."),
        "ceremony_life": Entry(
            fields.Whole(1, CEREMONY_AT_MOST), "Seconds within which a login must be finished."
        ),
        "enrolment_life": Entry(
            fields.Whole(1, 3_600), "Seconds within which the set-up of a factor must be finished."
        ),
        "guesses_per_ceremony": Entry(
            fields.Whole(1, MOST_CONSECUTIVE), "Wrong codes that end one login."
        ),
        "guesses.allowed": Entry(
            fields.Whole(BORNE_AT_LEAST, MOST_CONSECUTIVE),
            "Wrong codes per subject and kind of factor within one window that start a back-off.",
        ),
        "guesses.window": Entry(fields.Whole(1, 7 * DAY), "Seconds of such a window."),
        "guesses.delay": Entry(
            fields.Whole(1, 7 * DAY), "Seconds of the first back-off; each next one is doubled."
        ),
        "guesses.longest": Entry(fields.Whole(1, 30 * DAY), "Seconds of the longest back-off."),
        "guesses.absolute": Entry(
            fields.Whole(BORNE_AT_LEAST, MOST_CONSECUTIVE),
            "Consecutive wrong codes that close a factor until another one, or a reset, opens it.",
        ),
        **dict(_lifetimes()),
        "access_life": Entry(
            fields.Whole(1, DAY), "Seconds for which an access token is good without a refresh."
        ),
        "remember.days": Entry(
            fields.Whole(0, REMEMBERED_AT_MOST),
            "Days for which a browser may be spared the second step of a login, where its user"
            " asked for that; 0 remembers none, and so does the profile strict.",
        ),
        "remember.admins": Entry(
            fields.Truth(), "Whether browsers of administrators may be remembered, too."
        ),
        "sign_in_notice": Entry(
            fields.Truth(),
            "Whether owners are told of a sign-in from a browser that is new to the account.",
        ),
        "profile": Entry(
            fields.Choice(Profile), "How collisions of a vendor's contract with a standard end."
        ),
    }
)
"""Every key of a policy by its dotted name, in the order of the manual."""


def flat(policy: Policy) -> dict[str, Any]:
    """The values of a policy by the dotted names of ENTRIES."""
    values: dict[str, Any] = {}
    for name in ENTRIES:
        part, _, inner = name.partition(".")
        if part in {"guesses", "remember"}:
            values[name] = getattr(getattr(policy, part), inner)
        elif part == "sessions":
            level, _, which = inner.partition(".")
            values[name] = getattr(policy.sessions[Aal(int(level[-1]))], which)
        else:
            values[name] = getattr(policy, name)
    return values


def build(values: Mapping[str, Any]) -> Policy:
    """The policy of these values by dotted name, all of them; Malformed if they do not fit."""
    for name, complaint in misfits(values):
        raise Malformed(f"{name} {complaint}.", field=name)
    own = {name: value for name, value in values.items() if "." not in name}
    guesses, remember = _within(values, "guesses."), _within(values, "remember.")
    sessions = {
        Aal(number): Lifetime(
            idle=values[f"sessions.{name}.idle"], absolute=values[f"sessions.{name}.absolute"]
        )
        for number, name in _LEVELS
    }
    return Policy(
        **own,
        guesses=Limits(**guesses),
        sessions=sessions,
        remember=Remembering(**remember),
    )


def _within(values: Mapping[str, Any], part: str) -> dict[str, Any]:
    return {name.removeprefix(part): v for name, v in values.items() if name.startswith(part)}


def misfits(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the names of values that are fine alone but not together, and what is wrong."""
    if values["guesses.allowed"] > values["guesses.absolute"]:
        yield "guesses.allowed", "must not exceed guesses.absolute"
    if values["guesses.delay"] > values["guesses.longest"]:
        yield "guesses.delay", "must not exceed guesses.longest"
    for _, name in _LEVELS:
        if values[f"sessions.{name}.idle"] > values[f"sessions.{name}.absolute"]:
            yield f"sessions.{name}.idle", f"must not exceed sessions.{name}.absolute"


def merge(changes: Mapping[str, object], base: Policy) -> Policy:
    """``base`` with the nested ``changes`` in it; Malformed names the first key that is wrong."""
    values = flat(base)
    for name, value in fields.leaves(ENTRIES, changes):
        entry = ENTRIES.get(name)
        if entry is None:
            raise Malformed(f"{name} is no key of a policy.", field=name)
        try:
            values[name] = entry.reader.read(value)
        except Malformed as error:
            raise Malformed(f"{name} {error.detail}.", field=name) from None
    return build(values)


def load(body: str, base: Policy) -> Policy:
    """The policy of a document: ``base`` with what its JSON text overrides; or Malformed.

    The last few results are remembered, because every attempt at anything needs its policy.
    """
    return _loaded(body, _Same(base))


def dump(policy: Policy) -> dict[str, object]:
    """A policy as nested JSON values, such as ``merge`` takes."""
    document: dict[str, Any] = {}
    for name, value in flat(policy).items():
        *path, last = name.split(".")
        part = document
        for step in path:
            part = part.setdefault(step, {})
        part[last] = plain(value)
    return document


def plain(value: object) -> object:
    """The value of a setting as JSON has it."""
    match value:
        case Networks(entries=entries):
            return [str(entry) for entry in entries]
        case ClientRule(enforcement=enforcement, aal=aal, max_age=max_age):
            rule = {"enforcement": enforcement, "aal": int(aal), "max_age": max_age}
            return {name: known for name, known in rule.items() if known is not None}
        case tuple():
            return list(value)
        case Mapping():
            return {name: plain(inner) for name, inner in value.items()}
        case _:
            return value


class _Same:
    """A policy compared by identity: its mappings have no hash, and the base never changes."""

    __slots__ = ("policy",)

    def __init__(self, policy: Policy) -> None:
        self.policy = policy

    def __hash__(self) -> int:
        return id(self.policy)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.policy is other.policy


@lru_cache(maxsize=64)
def _loaded(body: str, base: _Same) -> Policy:
    try:
        document = json.loads(body, object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        raise Malformed("A policy is a JSON object in which each key comes once.") from None
    if not isinstance(document, dict):
        raise Malformed("A policy is a JSON object in which each key comes once.")
    return merge(document, base.policy)


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError
    return found
