"""Effects as the function takes them: numbers of statements, and every value as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from twofold.adapters.stores._pg_connection import Connection
from twofold.adapters.stores._pg_function import MOST, REFUSALS, Known, packed, types_of
from twofold.adapters.stores._rows import Cell
from twofold.adapters.stores._sql import statements
from twofold.core.effects import Bind, Effect, OpenSession, PutSubject, Record, Remember

_SPELT: Final = 0
"""The number of a statement that travels as text."""


class _Unknown(Exception):
    def __init__(self, sql: str) -> None:
        super().__init__(sql)
        self.sql = sql


@dataclass(frozen=True, slots=True)
class Packed:
    """One commit as the function takes it."""

    subjects: tuple[str, ...]
    codes: tuple[int, ...]
    cells: tuple[str | None, ...]


class Packer:
    """Knows which statements the function has, and learns the types of all others."""

    def __init__(self, known: Sequence[Known]) -> None:
        """Begin with what the function has."""
        self._codes: Mapping[Known, int] = {one: code for code, one in enumerate(known, 1)}
        self.learnt: dict[str, str] = {}
        """Statements that the function lacks, as they travel."""

    async def pack(self, effects: Sequence[Effect], connection: Connection) -> Packed:
        """Pack a commit; the server is asked for the types of a statement that is new to us."""
        while True:
            try:
                return self._pack(effects)
            except _Unknown as unknown:
                types = await types_of(connection, unknown.sql)
                self.learnt[unknown.sql] = packed(unknown.sql, types, "@", "$1[{}]")

    def _pack(self, effects: Sequence[Effect]) -> Packed:
        subjects: dict[str, None] = {}
        codes: list[int] = []
        cells: list[str | None] = []
        for effect in effects:
            subject = locked(effect)
            if subject is not None:
                subjects[subject] = None
            for sql, values, refused in statements(effect):
                code = self._codes.get((sql, refused), _SPELT)
                codes.append(code)
                if code == _SPELT:
                    if sql not in self.learnt:
                        raise _Unknown(sql)
                    state = None if refused is None else REFUSALS[refused]
                    cells += (self.learnt[sql], state, str(len(values)))
                cells += map(_text, values)
        if len(codes) > MOST:
            raise ValueError("This commit has more statements than one transaction may.")
        return Packed(tuple(subjects), tuple(codes), tuple(cells))


def locked(effect: Effect) -> str | None:
    """Whose rows an effect decides on or changes; a record only tells of somebody."""
    match effect:
        case Record():
            return None
        case OpenSession(session):
            return session.subject
        case PutSubject(subject):
            return subject.id
        case Bind(authenticator):
            return authenticator.subject
        case Remember(device):
            return device.subject
        case _:
            of: str | None = getattr(effect, "subject", None)
            return of


def _text(cell: Cell) -> str | None:
    match cell:
        case str() | None:
            return cell
        case bytes():
            return cell.hex()
        case int():
            return str(cell)
