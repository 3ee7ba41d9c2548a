"""How the pages of a realm look, as administrators set it."""

from __future__ import annotations

import json
from collections.abc import Mapping

from twofold.ceremonies.engine import Engine
from twofold.core import theme
from twofold.core.effects import PutDocument
from twofold.core.errors import Malformed
from twofold.core.theme import THEME, Theme
from twofold.core.types import Context, Document, Realm


async def look(engine: Engine, realm: Realm, base: Theme) -> tuple[Theme, int]:
    """Return the theme of a realm and its version; 0 while the realm keeps none of its own.

    ``base`` is what the settings say. A document that does not go with them any more is passed
    over: pages that nobody can read would lock everybody out.
    """
    document = await engine.store.document(realm, *THEME)
    if document is None:
        return base, 0
    try:
        return theme.load(document.body, base), document.version
    except Malformed:
        return base, document.version


async def put_theme(
    engine: Engine,
    context: Context,
    by: str,
    body: Mapping[str, object],
    version: int,
    base: Theme,
) -> tuple[Theme, int]:
    """Replace what a realm says beyond the settings; returns the new theme.

    Raises Malformed naming the first key that is wrong, and Stale unless ``version`` is the
    stored one.
    """
    now = engine.clock.now()
    made = theme.merge(body, base)
    kind, name = THEME
    document = Document(context.realm, kind, name, json.dumps(body, sort_keys=True), version + 1)
    record = engine.record(
        "theme.changed", now, None, context, by=by, version=version + 1, keys=sorted(body)
    )
    await engine.commit(PutDocument(document), record)
    return made, version + 1
