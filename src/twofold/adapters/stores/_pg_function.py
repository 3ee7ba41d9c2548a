"""The function that applies a batch of commits inside PostgreSQL: one round trip, one transaction.

It is made of the very statements that ``_sql`` has for every store: those a login needs stand in it
as they are, so that their plans are kept; any other travels as text. Its name holds a digest of
its text, so two releases find each their own and can run side by side.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeAlias

from twofold.adapters.stores._pg_connection import Connection
from twofold.adapters.stores._sql import statements
from twofold.core.effects import Effect
from twofold.core.errors import Refused, Replayed, Stale, Taken

Known: TypeAlias = tuple[str, type[Refused] | None]
"""A statement and what it means when it found or changed nothing."""

WIDTH: Final = 16
"""Bits of a position that count the statements of one transaction."""

MOST: Final = (1 << WIDTH) - 1
"""Statements in one transaction."""

REFUSALS: Final[Mapping[type[Refused], str]] = {Replayed: "TF001", Stale: "TF002", Taken: "TF003"}
"""States of SQL that are ours: none of PostgreSQL's own begins so."""

BASE: Final = "select base from audit_base"
"""What is added to a transaction's number: a restored database begins above all it ever had."""

_RECORDING: Final = "insert into audit ("
_VALUES: Final = ") values ("


def texts(frequent: Iterable[Effect]) -> tuple[Known, ...]:
    """Return the statements of these effects, each once."""
    found = ((sql, refused) for effect in frequent for sql, _, refused in statements(effect))
    return tuple(dict.fromkeys(found))


def name(known: Sequence[Known]) -> str:
    """Return what the function with these statements is called."""
    said = repr([(sql, refused and refused.__name__) for sql, refused in known])
    return "twofold_" + hashlib.sha256((said + _APPLY + _COMMIT).encode()).hexdigest()[:16]


def placed(sql: str) -> str:
    """Return a statement whose values are numbered, as PostgreSQL wants them."""
    first, *rest = recorded(sql, "0").split("?")
    return first + "".join(f"${number}{part}" for number, part in enumerate(rest, 1))


async def types_of(connection: Connection, sql: str) -> tuple[str, ...]:
    """Ask PostgreSQL which types the values of a statement have."""
    prepared = await connection.prepare(placed(sql))
    return tuple(of.name for of in prepared.get_parameters())


def packed(sql: str, types: Sequence[str], position: str, cell: str) -> str:
    """Return a statement that takes its values out of an array of texts.

    ``position`` is what a record's position is made by, ``cell`` how the value of a number is
    found.
    """
    first, *rest = recorded(sql, position).split("?")
    values = (_value(cell.format(number), of) for number, of in enumerate(types, 1))
    return first + "".join(value + part for value, part in zip(values, rest, strict=True))


def recorded(sql: str, position: str) -> str:
    """Say where a record stands; only SQLite counts by itself."""
    if not sql.startswith(_RECORDING):
        return sql
    widened = sql.replace(_RECORDING, f"{_RECORDING}position, ", 1)
    return widened.replace(_VALUES, f"{_VALUES}{position}, ", 1)


def _value(cell: str, of: str) -> str:
    return f"decode({cell}, 'hex')" if of == "bytea" else f"({cell})::{of}"


def definitions(known: Sequence[Known], types: Mapping[str, Sequence[str]]) -> tuple[str, str]:
    """Return the two functions, the inner one first; ``types`` are those of the values."""
    cases = "\n".join(
        _case(number, sql, refused, types[sql]) for number, (sql, refused) in enumerate(known, 1)
    )
    named = name(known)
    return _APPLY.format(name=named, cases=cases), _COMMIT.format(name=named, base=BASE)


def _case(number: int, sql: str, refused: type[Refused] | None, types: Sequence[str]) -> str:
    body = packed(sql, types, "place + at_code", "cells[at_cell + {}]")
    if body.startswith("select "):
        body = "perform " + body.removeprefix("select ")
    lines = [f"      when {number} then", f"        {body};"]
    if refused is not None:
        lines.append(f"        if not found then raise sqlstate '{REFUSALS[refused]}'; end if;")
    return "\n".join([*lines, f"        at_cell := at_cell + {len(types)};"])


_APPLY = """\
create function {name}_apply(
  codes integer[], cells text[], at_code integer, last_code integer, at_cell integer, place bigint
) returns void language plpgsql volatile as $function$
#variable_conflict use_column
declare
  touched bigint;
begin
  while at_code < last_code loop
    at_code := at_code + 1;
    case codes[at_code]
{cases}
      when 0 then
        execute replace(cells[at_cell + 1], '@', (place + at_code)::text)
          using cells[at_cell + 4 : at_cell + 3 + cells[at_cell + 3]::integer];
        get diagnostics touched = row_count;
        if touched = 0 and cells[at_cell + 2] is not null then
          raise exception using errcode = cells[at_cell + 2];
        end if;
        at_cell := at_cell + 3 + cells[at_cell + 3]::integer;
    end case;
  end loop;
end
$function$"""

# The rows of subjects are locked first and in order: two batches never wait for each other in a
# ring, and what a commit was decided on (its epoch, its guesses) cannot change under its hands.
_COMMIT = """\
create function {name}(
  subjects text[], codes integer[], cells text[], last_codes integer[], last_cells integer[]
) returns text[] language plpgsql volatile as $function$
declare
  commits integer := cardinality(last_codes);
  outcomes text[] := array_fill(null::text, array[commits]);
  place bigint;
  done integer := 0;
begin
  perform 1 from subject where id = any(subjects) order by id for no key update;
  place := (({base}) + pg_current_xact_id()::text::bigint) << 16;
  if commits > 1 then
    begin
      perform {name}_apply(codes, cells, 0, last_codes[commits], 0, place);
      return outcomes;
    exception
      when sqlstate 'TF001' or sqlstate 'TF002' or sqlstate 'TF003'
        or data_exception or integrity_constraint_violation
      then null;  -- somebody is refused: each alone
    end;
  end if;
  for number in 1 .. commits loop
    begin
      perform {name}_apply(
        codes, cells, done, last_codes[number], coalesce(last_cells[number - 1], 0), place
      );
    exception
      when sqlstate 'TF001' or sqlstate 'TF002' or sqlstate 'TF003'
        or data_exception or integrity_constraint_violation
      then outcomes[number] := sqlstate;
    end;
    done := last_codes[number];
  end loop;
  return outcomes;
end
$function$"""
