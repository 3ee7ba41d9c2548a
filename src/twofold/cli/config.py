"""``twofold config``: what is in force and where it comes from; and whether it would be taken."""

from __future__ import annotations

import json
from typing import Any

from twofold import settings
from twofold.cli.frame import say, table
from twofold.core import policy_document
from twofold.core.errors import Misconfigured
from twofold.settings import Key, Settings
from twofold.wiring import post

HIDDEN = "(hidden)"


def show(known: Settings, *, origin: bool, as_json: bool) -> int:
    """Print every setting; a secret is shown as there or not there."""
    values = [
        (key.name, _shown(key, value), where) for key, value, where in settings.values_of(known)
    ]
    document = {
        name: {"value": value, "origin": where} if origin else value
        for name, value, where in values
    }
    if origin:
        rows = [(name, json.dumps(value), where) for name, value, where in values]
        text = table(("setting", "value", "from"), rows)
    else:
        text = table(("setting", "value"), [(name, json.dumps(value)) for name, value, _ in values])
    say(document, as_json=as_json, text=text)
    return 0


def check(known: Settings, *, as_json: bool) -> int:
    """Say that the configuration is taken; if it is not, reading it has said why."""
    if faults := post.faults(known):
        raise Misconfigured(tuple(f"email.templates: {fault}" for fault in faults))
    given = len(known.origins)
    say({"ok": True, "settings": given}, as_json=as_json, text=f"fine: {given} settings given")
    return 0


def _shown(key: Key, value: Any) -> Any:
    if key.secret:
        return HIDDEN if value else ""
    return policy_document.plain(value)
