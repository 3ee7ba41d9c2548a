"""Every statement names the subject whose rows it touches, so that rows can be sharded by subject.

Each is parsed, and fails here unless it is keyed by subject or stands in the list with its reason.
What engines disagree about is not used at all.
"""

import asyncio
import re
from importlib import resources

import pytest
import sqlglot
from hypothesis import HealthCheck, given, settings
from sqlglot import exp

from tests.contracts.samples import ALICE, NOW, REALM
from tests.machines.test_store_agreement import ANY
from twofold.adapters.stores import _pg_function, _pg_reads, _pg_schema, _reads
from twofold.adapters.stores._pg_frequent import FREQUENT
from twofold.adapters.stores._sql import statements
from twofold.core.effects import Sweep

SHARDED = {"authenticator", "device", "guess", "item", "outbox", "session"}
"""Tables of which every row belongs to one subject; ``subject`` itself is found by its id."""

FREE = {
    r"select count\(\*\), min\(due_at\) from outbox": "how long mail waits, over all shards",
    r"select .* from outbox where due_at <= ": "the outbox claims whatever is due, by lease",
    r"select .* from subject where realm = ": "administrators list and search subjects",
    r"delete from \w+ where \(.*\) in \(select .* limit \?\) and \w+ < \?$": "the sweeper",
}
"""Statements that may look at rows of many subjects, and what for."""

BANNED = (exp.With, exp.Window, exp.ForeignKey, exp.Reference, exp.Lock, exp.Returning, exp.Merge)
WORDS = r"\b(trigger|sequence|nextval|serial|listen|notify|references|temp|temporary|lateral)\b"
TYPES = {"TEXT", "BIGINT", "SMALLINT", "INT", "VARBINARY"}

SCHEMA = [
    file.read_text()
    for file in sorted(
        (resources.files("twofold.adapters.stores") / "migrations").iterdir(),
        key=lambda file: file.name,
    )
    if file.name.endswith(".sql")
]


class Listener:
    """A connection that only writes down what it is asked."""

    def __init__(self):
        self.heard = []

    def execute(self, sql, values=()):
        self.heard.append(sql)
        return self

    def fetchall(self):
        return [] if "count(*)" not in self.heard[-1] else [(0, None)]

    async def fetch(self, sql, *values):
        self.heard.append(sql)
        return []

    async def fetchrow(self, sql, *values):
        self.heard.append(sql)
        return (0, None) if "count(*)" in sql else None


def asked():
    """What every read of both engines asks, in all its shapes."""
    shapes = {
        "view": [
            (REALM, who, found, None, {"devices": devices})
            for who, found in ((ALICE, None), (None, "name:alice"))
            for devices in (False, True)
        ],
        "session": [(REALM, ALICE, "s", {})],
        "sessions": [(REALM, ALICE, {})],
        "subjects": [(REALM, search, "", 5, {}) for search in ("", "x")],
        "records": [
            (realm, who, 0, 5, "asc", {}) for realm in (None, REALM) for who in (None, ALICE)
        ],
        "unsealed": [(5, {})],
        "segments": [(0, 5, {})],
        "last_segment": [({},)],
        "due": [(NOW, 5, {})],
        "queued": [({},)],
        "document": [(REALM, "policy", "realm", {})],
        "documents": [(REALM, "policy", {})],
    }
    for engine, module in (("sqlite", _reads), ("postgres", _pg_reads)):
        for name, given_to in shapes.items():
            for *values, named in given_to:
                listener = Listener()
                done = getattr(module, name)(listener, *values, **named)
                if engine == "postgres":
                    asyncio.run(done)
                yield from ((engine, sql) for sql in listener.heard)


READS = list(dict.fromkeys(asked()))


def keyed(scope):
    """Whether each sharded table of a SELECT, UPDATE or DELETE is met by its subject alone."""
    tables = [
        table
        for table in scope.find_all(exp.Table)
        if table.find_ancestor(exp.Select, exp.Update, exp.Delete, exp.Insert) is scope
    ]
    where = scope.args.get("where")
    joins = [join.args["on"] for join in scope.args.get("joins") or []]
    equal = [
        column
        for part in [where, *joins]
        if part is not None
        for found in part.find_all(exp.EQ)
        if found.find_ancestor(exp.Select, exp.Update, exp.Delete) is scope
        and not found.find_ancestor(exp.Or)
        for column in (found.this, found.expression)
        if isinstance(column, exp.Column)
    ]
    for table in tables:
        key = "id" if table.name == "subject" else "subject"
        if table.name not in SHARDED | {"subject"}:
            continue
        if not any(c.name == key and c.table in {"", table.alias_or_name} for c in equal):
            return False
    return True


def faults(sql, dialect="postgres"):
    """What is wrong with a statement."""
    tree = sqlglot.parse_one(sql, dialect=dialect)
    found = [f"uses {type(node).__name__}" for node in tree.walk() if isinstance(node, BANNED)]
    found += [f"says {word}" for word in re.findall(WORDS, sql, re.IGNORECASE)]
    if any(re.match(pattern, sql) for pattern in FREE):
        return found
    if isinstance(tree, exp.Insert):
        target = tree.this.this.name
        columns = [column.name for column in tree.this.expressions]
        key = "id" if target == "subject" else "subject"
        if target in SHARDED | {"subject"} and key not in columns:
            found.append("inserts without a subject")
    scopes = tree.find_all(exp.Select, exp.Update, exp.Delete)
    found += ["is not keyed by subject" for scope in scopes if not keyed(scope)]
    return found


@settings(max_examples=600, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(effect=ANY)
def test_every_statement_of_an_effect_is_keyed_by_subject(effect):
    for sql, _, _ in statements(effect):
        assert (sql, faults(sql, "sqlite")) == (sql, [])


@pytest.mark.parametrize(("engine", "sql"), READS)
def test_every_read_is_keyed_by_subject(engine, sql):
    # The parser knows the question mark, but not with a number behind it.
    assert faults(re.sub(r"\?\d", "?", sql), engine) == []


@pytest.mark.parametrize("pattern", FREE)
def test_every_exception_is_needed(pattern):
    sweeps = [sql for sql, _, _ in statements(Sweep(NOW))]

    assert any(re.match(pattern, sql) for sql in [*sweeps, *(sql for _, sql in READS)])


@pytest.mark.parametrize(
    "sql",
    [
        "select id from session where realm = $1",
        "select id from session where subject = $1 or realm = $1",
        "update authenticator set mark = 1 where id = $1",
        "delete from item where authenticator = $1",
        "insert into guess (scope) values ($1)",
        "select 1 from subject where name = $1",
        "select 1 from session a join subject b on b.realm = a.realm where a.subject = $1",
        "select (select 1 from item where key = $1) from subject where id = $1",
        "with x as (select 1) select * from x",
        "select nextval('x')",
    ],
)
def test_a_statement_for_many_subjects_would_be_found(sql):
    assert faults(sql)


@pytest.mark.parametrize("text", SCHEMA)
def test_the_schema_uses_what_every_engine_has(text):
    for tree in sqlglot.parse(text, dialect="postgres"):
        if tree is None:
            continue
        for column in tree.find_all(exp.ColumnDef):
            assert column.kind.this.name in TYPES
            kinds = {type(one.kind) for one in column.args.get("constraints") or []}
            assert kinds <= {exp.NotNullColumnConstraint}
        assert not list(tree.find_all(*BANNED))
    assert re.findall(WORDS, text.partition("create")[2], re.IGNORECASE) == []


def test_the_function_is_made_of_plain_statements():
    known = _pg_function.texts(FREQUENT)
    types = {sql: ("text",) * sql.count("?") for sql, _ in known}

    for definition in _pg_function.definitions(known, types):
        assert re.findall(WORDS, definition, re.IGNORECASE) == []
        assert "advisory" not in definition


def test_only_the_schema_is_locked_by_advice():
    ours = resources.files("twofold.adapters.stores")
    advised = [
        file.name
        for file in ours.iterdir()
        if file.name.endswith(".py") and "advisory" in file.read_text()
    ]

    assert advised == ["_pg_schema.py"]
    assert "pg_advisory_xact_lock" in _pg_schema._LOCK
