"""``twofold doctor``: what a careful operator would look at."""

from __future__ import annotations

from dataclasses import asdict

from twofold.cli.frame import FOUND, say, table
from twofold.settings import Settings
from twofold.wiring.doctor import Verdict, examine


def examined(settings: Settings, *, as_json: bool) -> int:
    """Look at everything; exit status 1 if there is a fault."""
    checks = examine(settings)
    faulty = any(check.verdict is Verdict.FAULT for check in checks)
    document = {"ok": not faulty, "checks": [asdict(check) for check in checks]}
    rows = [(check.verdict, check.name, check.text) for check in checks]
    say(document, as_json=as_json, text=table(("verdict", "check", "what was found"), rows))
    return FOUND if faulty else 0
