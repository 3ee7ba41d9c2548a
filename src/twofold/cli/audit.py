"""``twofold audit``: check the trail, hand it to others, look at its end."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from twofold.cli.frame import FOUND, moment, say
from twofold.core.effects import Record
from twofold.core.evidence import MEANINGS, Finding
from twofold.core.types import Realm
from twofold.settings import Settings
from twofold.wiring import trail
from twofold.wiring.house import opened
from twofold.wiring.trail import Trail

LOOK_EVERY = 1.0
"""Seconds between two looks while following."""

_AT_ONCE = 1_000


def verify(settings: Settings, *, as_json: bool) -> int:
    """Hold every record against its seal; each finding names the record or segment."""
    read = asyncio.run(_read(settings))
    found = read.findings()
    sealed = sum(1 for _ in read.segments)
    document = {
        "records": len(read.records),
        "segments": sealed,
        "findings": [_finding(finding) for finding in found],
    }
    lines = [_sentence(finding) for finding in found]
    verdict = f"{len(lines)} findings" if lines else "nothing is wrong"
    lines.append(f"{len(read.records)} records in {sealed} segments: {verdict}")
    say(document, as_json=as_json, text="\n".join(lines))
    return FOUND if found else 0


def export(settings: Settings, *, as_json: bool) -> int:  # noqa: ARG001 - JSON either way
    """Print the whole trail as JSON lines, with the public keys that vouch for it."""
    for line in asyncio.run(_read(settings)).lines():
        print(line)
    return 0


def tail(settings: Settings, realm: Realm | None, count: int, *, follow: bool) -> int:
    """Print the newest records as JSON lines, and with ``follow`` those that come."""
    try:
        asyncio.run(_tail(settings, realm, count, follow=follow))
    except KeyboardInterrupt:
        return 0  # how one ends looking
    return 0


async def _tail(settings: Settings, realm: Realm | None, count: int, *, follow: bool) -> None:
    async with opened(settings, create=False, reads_only=True) as house:
        store = house.store
        entries = [*await store.records(realm, limit=count, newest=True)][::-1]
        last = 0
        while True:
            for entry in entries:
                last = entry.position
                print(json.dumps(_record(entry.record)), flush=True)
            if not follow:
                return
            await asyncio.sleep(LOOK_EVERY)
            entries = [*await store.records(realm, after=last, limit=_AT_ONCE)]


async def _read(settings: Settings) -> Trail:
    async with opened(settings, create=False, reads_only=True) as house:
        return await trail.read(house)


def _record(record: Record) -> dict[str, Any]:
    """A record for people: its moment in words, its body opened."""
    body = json.loads(record.body)
    return {
        "at": moment(record.at),
        "event": record.event,
        "realm": record.realm,
        "subject": record.subject,
        "id": record.id,
        **body,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "fault": finding.fault,
        "record": finding.record,
        "segment": finding.segment,
        "text": MEANINGS[finding.fault],
    }


def _sentence(finding: Finding) -> str:
    place = [f"record {finding.record}"] if finding.record else []
    place += [f"segment {finding.segment}"] if finding.segment is not None else []
    return f"{finding.fault}: {', '.join(place) or 'head'}: {MEANINGS[finding.fault]}"
