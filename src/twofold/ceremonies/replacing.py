"""Putting a factor in the place of another: both in one commit, so there is never none.

Which one goes is said when the enrolment begins, behind a fresh proof, and travels sealed. It
works until the new one is confirmed: who gives up on the way has lost nothing. Recovery codes
stay, for they belong to the account and not to a factor.
"""

from __future__ import annotations

from dataclasses import replace

from twofold.ceremonies import manage, second
from twofold.ceremonies.engine import Engine
from twofold.ceremonies.judging import Attempt
from twofold.core.ceremony import Ceremony
from twofold.core.effects import Effect
from twofold.core.types import Authenticator, View


def gone(ceremony: Ceremony, view: View) -> tuple[Authenticator, ...]:
    """Return the factor that goes, if one does; too many guesses may have shut it meanwhile."""
    return tuple(a for a in view.authenticators if a.id == ceremony.replaces)


def effects(
    engine: Engine, ceremony: Ceremony, attempt: Attempt, view: View, new: Authenticator
) -> tuple[Effect, ...]:
    """Return what removes it and leaves a record; its preference passes to the new one."""
    stay = (m for m in second.methods(engine, view) if m.authenticator.id != ceremony.replaces)
    left = (second.Method(new, engine.factors[new.kind]), *stay)
    found: list[Effect] = []
    for old in gone(ceremony, view):
        found += manage.unbinding(engine, view, old, left)
        found.append(
            engine.record(
                "factor.removed", attempt.now, view.subject, attempt.context,
                authenticator=old.id, method=old.kind, ceremony=ceremony.name,
            )
        )  # fmt: skip
    return tuple(found)


def after(ceremony: Ceremony, view: View, new: Authenticator) -> View:
    """Return the view as it is once a new factor is bound."""
    stay = tuple(a for a in view.authenticators if a.id != ceremony.replaces)
    return replace(view, authenticators=(*stay, new))


def letter(ceremony: Ceremony, view: View) -> tuple[str, dict[str, str | int]]:
    """Return which letter tells the owner, and what it knows of the factor that goes."""
    for old in gone(ceremony, view):
        return "factor-replaced", {"old_kind": old.kind, "old_label": old.label}
    return "factor-added", {}
