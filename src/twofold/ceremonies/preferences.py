"""What owners choose about how they are spoken to; nothing of it decides who gets in."""

from __future__ import annotations

from dataclasses import replace

from twofold.ceremonies import sessions
from twofold.ceremonies.engine import Engine
from twofold.ceremonies.outcomes import Done
from twofold.ceremonies.sessions import Bearer
from twofold.core import languages
from twofold.core.effects import PutSubject
from twofold.core.types import Context


async def set_locale(engine: Engine, bearer: Bearer, locale: str, context: Context) -> Done:
    """Choose the language of messages, empty for the realm's own; Malformed if it is none."""
    now = engine.clock.now()
    wanted = languages.tag(locale)

    async def attempt() -> None:
        view, _ = await sessions.look(engine, bearer)
        old = view.subject
        record = engine.record("account.changed", now, old, context, fields=["locale"])
        # Of the same epoch: a change of language ends nobody's sign-in, while any other change
        # of the account that comes first makes this one look again.
        await engine.commit(PutSubject(replace(old, locale=wanted), seen=old.epoch), record)

    await engine.settle(attempt)
    return Done({"locale": wanted})
