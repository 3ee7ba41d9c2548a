#!/usr/bin/env python3
r"""Check Twofold's audit trail without Twofold: a second opinion written from the format alone.

    verify_audit.py EXPORT                      what `twofold audit export` wrote
    verify_audit.py --database FILE             a SQLite database, read only
    --head FILE       the head file kept outside the database, or better a copy kept elsewhere
    --key ID=HEX      a public key you noted before; repeat for each (else those of the export)
    --key-file FILE   Twofold's own key file, to derive the public keys from

Whoever can write the export can write keys and a head into it as well: only keys and a head that
come from elsewhere prove anything against such a person. Needs Python 3.11 and `cryptography`.
Exit status: 0 nothing is wrong, 1 something is (each finding is one line), 2 nothing could be read.

The format. A record's leaf is SHA-256 over 0x00, "twofold audit record\n" and the JSON array
[id, realm, subject, at, event, body]. A segment's root is the tree hash of RFC 6962 section 2.1
over these leaves in order. Its signature is Ed25519 over "twofold audit segment\n" and its JSON
without the member "signature". Its digest, which the next segment and the head name, is SHA-256
over 0x02, "twofold audit segment\n" and its JSON. JSON is sorted by key, compact and ASCII.
"""

import argparse
import base64
import hashlib
import hmac
import json
import sqlite3
import sys
from bisect import bisect_left
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

MEMBERS = {
    "at": int,
    "count": int,
    "ids": list,
    "kid": str,
    "leaves": list,
    "number": int,
    "previous": str,
    "root": str,
    "signature": str,
    "upto": int,
    "v": int,
}
RECORD = ("id", "realm", "subject", "at", "event", "body")
NAMED_AT_MOST = 10_000


class UnreadableError(Exception):
    """The trail cannot be read, which says nothing about whether it is whole."""


def canonical(value: Any) -> str:
    """JSON in the one spelling that is hashed and signed."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def sha256(*parts: bytes) -> bytes:
    """The hash of parts that follow each other."""
    return hashlib.sha256(b"".join(parts)).digest()


def leaf(record: dict[str, Any]) -> str:
    """The hash that stands for a record, in hexadecimal."""
    text = canonical([record[name] for name in RECORD])
    return sha256(b"\x00twofold audit record\n", text.encode()).hex()


def tree(leaves: list[bytes]) -> bytes:
    """The definition of RFC 6962 section 2.1, word for word."""
    if len(leaves) == 1:
        return leaves[0]
    if not leaves:
        return sha256()
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\x01", tree(leaves[:half]), tree(leaves[half:]))


def digest(body: str) -> str:
    """The hash by which a segment is named."""
    return sha256(b"\x02twofold audit segment\n", body.encode()).hex()


def parse(body: str) -> dict[str, Any] | None:
    """The members of a segment, or None if it is not exactly what Twofold would have written."""
    try:
        segment = json.loads(body)
        whole = (
            segment.keys() == MEMBERS.keys()
            and all(type(segment[name]) is kind for name, kind in MEMBERS.items())
            and all(isinstance(text, str) for text in segment["ids"] + segment["leaves"])
            and segment["v"] == 1
            and canonical(segment) == body
        )
    except (ValueError, TypeError, AttributeError, RecursionError):
        return None
    return segment if whole else None


def agrees(segment: dict[str, Any], row: tuple[int, int, int]) -> bool:
    """Whether a segment agrees with itself and with the columns beside it."""
    try:
        leaves = [bytes.fromhex(text) for text in segment["leaves"]]
    except ValueError:
        return False
    counts = {segment["count"], len(segment["ids"]), len(leaves)}
    named = (segment["number"], segment["at"], segment["upto"]) == row
    return named and len(counts) == 1 and tree(leaves).hex() == segment["root"]


def signed(segment: dict[str, Any], keys: dict[str, bytes]) -> bool:
    """Whether one of the keys made the signature."""
    unsigned = {name: value for name, value in segment.items() if name != "signature"}
    message = b"twofold audit segment\n" + canonical(unsigned).encode()
    try:
        public = Ed25519PublicKey.from_public_bytes(keys[segment["kid"]])
        public.verify(bytes.fromhex(segment["signature"]), message)
    except (KeyError, ValueError, InvalidSignature):
        return False
    return True


class Trail:
    """What was read, and what is found wrong with it."""

    def __init__(self) -> None:
        self.records: list[dict[str, Any]] = []
        self.segments: list[tuple[int, int, int, str]] = []
        self.head: dict[str, Any] | None = None
        self.keys: dict[str, bytes] = {}
        self.held: dict[int, list[str]] = {}  # segment number -> record ids
        self.leaves: dict[str, str] = {}  # record id -> leaf, as sealed
        self.digests: dict[int, str] = {}
        self.doubtful: set[int] = set()
        self.findings: list[dict[str, Any]] = []

    def find(self, fault: str, *, record: str | None = None, segment: int | None = None) -> None:
        """Note one thing that is wrong."""
        self.findings.append({"fault": fault, "record": record, "segment": segment})

    def verify(self) -> list[dict[str, Any]]:
        """Check segments, head and records, in this order."""
        newest = 0
        for number, at, upto, body in sorted(self.segments):
            self.miss("segment-missing", newest + 1, number)
            self.check_segment((number, at, upto), body)
            newest = number
        self.check_head(newest)
        self.check_records()
        return self.findings

    def miss(self, fault: str, first: int, end: int) -> None:
        """Note segments that should be there; a forged number cannot make this endless."""
        for number in range(first, min(end, first + NAMED_AT_MOST)):
            self.blame(fault, number)

    def blame(self, fault: str, number: int) -> None:
        """Note that a segment proves nothing."""
        self.find(fault, segment=number)
        self.doubtful.add(number)

    def check_segment(self, row: tuple[int, int, int], body: str) -> None:
        """Check one segment by itself and against the one before."""
        number = row[0]
        segment = parse(body)
        if segment is None:
            self.blame("segment-altered", number)
            return
        if number in self.digests or not agrees(segment, row):
            self.blame("segment-altered", number)
        elif not signed(segment, self.keys):
            self.blame("segment-forged", number)
        elif number - 1 not in self.doubtful and segment["previous"] != self.digests.get(
            number - 1, ""
        ):
            self.find("segment-unchained", segment=number)
        self.digests.setdefault(number, digest(body))
        self.held.setdefault(number, segment["ids"])
        for name, value in zip(segment["ids"], segment["leaves"], strict=False):
            self.leaves.setdefault(name, value)

    def check_head(self, newest: int) -> None:
        """Check the segments against what was remembered outside the database."""
        if self.head is None:
            if newest:
                self.find("head-missing")
            return
        self.miss("cut-off", newest + 1, self.head["number"] + 1)
        number = self.head["number"]
        if self.digests.get(number, self.head["digest"]) != self.head["digest"]:
            self.blame("head-differs", number)
        for number, ids in self.head["tail"]:
            if number in self.doubtful:
                self.held.setdefault(number, ids)

    def check_records(self) -> None:
        """Check presence, place and content of each record."""
        sealed = {}
        for number in sorted(self.held):
            for name in self.held[number]:
                sealed[name] = number
        ids = list(sealed)
        place = {name: index for index, name in enumerate(ids)}
        present = [record["id"] for record in self.records]
        last = max((index for index, name in enumerate(present) if name in sealed), default=-1)
        stranger = "unproven" if self.doubtful - self.held.keys() else "added"
        seen = []
        known = set()
        for index, record in enumerate(self.records):
            name = record["id"]
            if name in known:
                self.find("added", record=name, segment=sealed[name])
            elif name in sealed:
                seen.append(name)
                known.add(name)
                self.check_record(record, sealed[name])
            elif index < last:
                self.find(stranger, record=name)
        for name in displaced([place[name] for name in seen], seen):
            self.find("reordered", record=name, segment=sealed[name])
        kept = max((place[name] for name in seen), default=-1)
        for index, name in enumerate(ids):
            if name not in known:
                fault = "deleted" if index < kept else "cut-off"
                self.find(fault, record=name, segment=sealed[name])

    def check_record(self, record: dict[str, Any], number: int) -> None:
        """Check the content of one record."""
        if self.leaves.get(record["id"], leaf(record)) != leaf(record):
            self.find("edited", record=record["id"], segment=number)
        elif number in self.doubtful:
            self.find("unproven", record=record["id"], segment=number)


def displaced(places: list[int], names: list[str]) -> list[str]:
    """Names outside a longest rising run of places: the fewest that must have moved."""
    ends: list[int] = []  # the lowest place that a run of each length can end with
    runs: list[Any] = []  # such a run, as (index, run before)
    for index, number in enumerate(places):
        length = bisect_left(ends, number)
        ends[length : length + 1] = [number]
        runs[length : length + 1] = [(index, runs[length - 1] if length else None)]
    rising = set()
    longest = runs[-1] if runs else None
    while longest:
        rising.add(longest[0])
        longest = longest[1]
    return [name for index, name in enumerate(names) if index not in rising]


def read_export(path: Path, trail: Trail) -> None:
    """Read JSON lines: records, segments, a head, keys."""
    for count, line in enumerate(path.read_text("utf-8").split("\n"), 1):
        if not line:
            continue
        try:
            item = json.loads(line)
            match item["type"]:
                case "record":
                    trail.records.append({name: item[name] for name in RECORD})
                case "segment":
                    columns = (item["number"], item["at"], item["upto"])
                    trail.segments.append((*columns, item["body"]))
                case "head":
                    trail.head = {name: item[name] for name in ("number", "digest", "tail")}
                case "key":
                    trail.keys[item["kid"]] = bytes.fromhex(item["public"])
                case other:
                    raise UnreadableError(f"line {count}: unknown type {other!r}")
        except (ValueError, KeyError, TypeError) as error:
            raise UnreadableError(f"line {count}: {error!r}") from None


def read_database(path: Path, trail: Trail) -> None:
    """Read records and segments from SQLite, changing nothing."""
    database = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
    try:
        columns = ", ".join(RECORD)
        rows = database.execute(f"select {columns} from audit order by position")  # noqa: S608 - names from above
        trail.records = [dict(zip(RECORD, row, strict=True)) for row in rows]
        trail.segments = database.execute("select number, at, upto, body from segment").fetchall()
    finally:
        database.close()


def read_head(path: Path) -> dict[str, Any]:
    """Read a head file."""
    head = json.loads(path.read_text("utf-8"))
    return {name: head[name] for name in ("number", "digest", "tail")}


def read_key_file(path: Path) -> dict[str, bytes]:
    """Public keys by key id, derived as Twofold does: HKDF-SHA256 for the purpose audit-sign."""
    keys = {}
    for entry in json.loads(path.read_text("utf-8"))["keys"]:
        secret = base64.urlsafe_b64decode(entry["secret"] + "==")
        extracted = hmac.digest(b"twofold", secret, "sha256")
        seed = hmac.digest(extracted, b"audit-sign\x01", "sha256")
        private = Ed25519PrivateKey.from_private_bytes(seed)
        keys[entry["id"]] = private.public_key().public_bytes_raw()
    return keys


def read(arguments: argparse.Namespace) -> Trail:
    """Read whatever the command line names."""
    trail = Trail()
    if arguments.database:
        read_database(arguments.database, trail)
    else:
        read_export(arguments.export, trail)
    if arguments.head:
        trail.head = read_head(arguments.head)
    if arguments.key or arguments.key_file:
        # Once somebody brings keys of their own, those of the export count for nothing.
        pairs = [text.partition("=") for text in arguments.key]
        trail.keys = {kid: bytes.fromhex(public) for kid, _, public in pairs}
    if arguments.key_file:
        trail.keys |= read_key_file(arguments.key_file)
    return trail


def main(words: list[str] | None = None) -> int:
    """Read, verify, and print one line per finding."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("export", nargs="?", type=Path)
    source.add_argument("--database", type=Path)
    parser.add_argument("--head", type=Path)
    parser.add_argument("--key", action="append", default=[], metavar="ID=HEX")
    parser.add_argument("--key-file", type=Path)
    arguments = parser.parse_args(words)
    try:
        trail = read(arguments)
        findings = trail.verify()
    except (OSError, ValueError, KeyError, TypeError, sqlite3.Error, UnreadableError) as error:
        print(f"cannot be read: {error}", file=sys.stderr)
        return 2
    for finding in findings:
        named = [f"{what} {finding[what]}" for what in ("record", "segment") if finding[what]]
        print(" ".join([f"{finding['fault']}:", *named]))
    total = f"{len(trail.records)} records, {len(trail.segments)} segments"
    print(f"{total}: {len(findings)} findings" if findings else f"{total}: nothing is wrong")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
