"""What administrators and the operator see and set for a whole realm: its records, its policy."""

from __future__ import annotations

import json
from collections.abc import Mapping

from twofold.ceremonies.engine import Engine
from twofold.core import policy_document
from twofold.core.effects import Effect, PutDocument
from twofold.core.errors import Malformed
from twofold.core.policy import Policy
from twofold.core.types import POLICY, Context, Document, Instant, Realm, SubjectId
from twofold.ports import Entry


async def events(
    engine: Engine,
    realm: Realm,
    subject: str | None = None,
    after: int = 0,
    limit: int = 100,
    *,
    newest: bool = False,
) -> tuple[Entry, ...]:
    """Return audit records beyond position ``after`` in order, or the newest ones first.

    ``subject`` is an id: the records of a subject outlive it.
    """
    found = await engine.store.records(
        realm,
        subject=SubjectId(subject) if subject is not None else None,
        after=after,
        limit=limit,
        newest=newest,
    )
    return tuple(found)


async def policy(engine: Engine, realm: Realm) -> tuple[Policy, int]:
    """Return the policy of a realm and its version; 0 while the realm keeps none of its own."""
    document = await engine.store.document(realm, *POLICY)
    return engine.policy(document), document.version if document is not None else 0


async def put_policy(
    engine: Engine, context: Context, by: str, body: Mapping[str, object], version: int
) -> tuple[Policy, int]:
    """Replace a realm's policy by what ``body`` says beyond the settings; returns the new one.

    Raises Malformed naming the first key that is wrong, and Stale unless ``version`` is the
    stored one: two administrators never overwrite each other unseen.
    """
    now = engine.clock.now()
    made, effects = policy_effects(engine, context, by, body, version, now)
    await engine.commit(*effects)
    return made, version + 1


def policy_effects(
    engine: Engine,
    context: Context,
    by: str,
    body: Mapping[str, object],
    version: int,
    now: Instant,
) -> tuple[Policy, tuple[Effect, ...]]:
    """The policy that ``body`` makes, and what must be committed for it; or Malformed."""
    made = policy_document.merge(body, engine.rules.policy)
    unknown = set(made.kinds) - set(engine.factors) - set(Policy().kinds)
    if unknown:
        raise Malformed(f"There is no kind {min(unknown)!r}.", field="kinds")
    kind, name = POLICY
    document = Document(context.realm, kind, name, json.dumps(body, sort_keys=True), version + 1)
    record = engine.record(
        "policy.changed", now, None, context, by=by, version=version + 1, keys=sorted(body)
    )
    return made, (PutDocument(document), record)
