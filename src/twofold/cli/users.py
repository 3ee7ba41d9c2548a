"""``twofold user``: accounts from the command line, by the same acts as the admin API's.

Nothing goes past the engine: each act is one commit with its audit record and the letter its
owner gets. A password comes from standard input or a prompt, never from the command line, where
every process of the machine could read it.
"""

from __future__ import annotations

import asyncio
import getpass
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from twofold.ceremonies import admin, admin_factors
from twofold.ceremonies.admin import OPERATOR, Detail, SubjectChange
from twofold.cli.frame import moment, say, table
from twofold.core.errors import Malformed
from twofold.core.policy import ACR
from twofold.core.types import Context, Realm, Session, Status, Subject
from twofold.settings import Settings
from twofold.wiring.first_start import drawn_password
from twofold.wiring.house import House, opened

_PAGE = 500


@dataclass(frozen=True, slots=True)
class Desk:
    """Where a command is carried out, and how it answers."""

    settings: Settings
    realm: Realm
    as_json: bool

    @property
    def context(self) -> Context:
        """Who asks: nobody over the network."""
        return Context(self.realm)

    def run(
        self,
        act: Callable[[House], Awaitable[int]],
        *,
        create: bool = False,
        reads_only: bool = False,
    ) -> int:
        """Do something in the house of these settings."""

        async def visit() -> int:
            visited = opened(self.settings, create=create, reads_only=reads_only)
            async with visited as house:
                return await act(house)

        return asyncio.run(visit())


@dataclass(frozen=True, slots=True)
class Secret:
    """How a password is come by."""

    from_stdin: bool

    def read(self) -> str | None:
        """The password, None if nobody gave one."""
        if self.from_stdin:
            typed = sys.stdin.readline().rstrip("\n")
            if not typed:
                raise Malformed("There is no password on standard input.")
            return typed
        if not _typing():
            return None
        typed = getpass.getpass("Password (empty: one is drawn): ")
        if typed and getpass.getpass("Once more: ") != typed:
            raise Malformed("The two are not the same.")
        return typed or None


def add(desk: Desk, wish: SubjectChange, secret: Secret) -> int:
    """Make an account; without a password one is drawn and shown once."""
    given = secret.read()

    async def act(house: House) -> int:
        password = given or drawn_password(house.engine.draw())
        new = await admin.create_subject(
            house.engine,
            desk.context,
            OPERATOR,
            name=wish.name or "",
            email=wish.email,
            phone=wish.phone,
            password=password,
            admin=bool(wish.admin),
            groups=wish.groups or (),
            email_verified=bool(wish.email and wish.email_verified),
            locale=wish.locale or "",
        )
        text = f"{new.name} has been made: {new.id}"
        document = _subject(new)
        if not given:
            document["password"] = password
            text += f"\nThe password is shown this once: {password}"
        say(document, as_json=desk.as_json, text=text)
        return 0

    return desk.run(act, create=True)


def listing(desk: Desk, search: str) -> int:
    """List accounts by name."""

    async def act(house: House) -> int:
        found: list[Subject] = []
        while page := await admin.subjects(
            house.engine, desk.realm, search, found[-1].name if found else "", _PAGE
        ):
            found += page
        rows = [(s.name, s.email or "", _roles(s), s.status.name.lower(), s.id) for s in found]
        text = table(("name", "email", "roles", "status", "id"), rows)
        say([_subject(s) for s in found], as_json=desk.as_json, text=text)
        return 0

    return desk.run(act, reads_only=True)


def show(desk: Desk, name: str) -> int:
    """Show everything that is no secret."""

    async def act(house: House) -> int:
        detail = await admin.subject(house.engine, desk.realm, name)
        say(_detail(detail), as_json=desk.as_json, text=_described(detail))
        return 0

    return desk.run(act, reads_only=True)


def change(desk: Desk, name: str, wish: SubjectChange, secret: Secret) -> int:
    """Change an account, or its password."""
    password = secret.read() if secret.from_stdin else None

    async def act(house: House) -> int:
        if wish != SubjectChange():
            await admin.change_subject(house.engine, desk.context, OPERATOR, name, wish)
        if password is not None:
            await admin.set_password(house.engine, desk.context, OPERATOR, name, password)
        known = (await admin.find(house.engine, desk.realm, wish.name or name)).subject
        say(_subject(known), as_json=desk.as_json, text=f"{known.name} has been changed.")
        return 0

    return desk.run(act)


def delete(desk: Desk, name: str) -> int:
    """Delete an account with all but its audit records."""
    if not _sure(f"Delete {name} for good?"):
        return 1

    async def act(house: House) -> int:
        gone = await admin.remove_subject(house.engine, desk.context, OPERATOR, name)
        document = {"id": gone.id, "name": gone.name}
        say(document, as_json=desk.as_json, text=f"{gone.name} has been deleted.")
        return 0

    return desk.run(act)


def unlock(desk: Desk, name: str) -> int:
    """Forgive wrong guesses."""

    async def act(house: House) -> int:
        scopes = await admin_factors.unlock(house.engine, desk.context, OPERATOR, name)
        text = f"{name} may try again: {', '.join(scopes) or 'nothing was counted'}."
        say({"unlocked": list(scopes)}, as_json=desk.as_json, text=text)
        return 0

    return desk.run(act)


def reset(desk: Desk, name: str, reason: str) -> int:
    """Break-glass: remove all second factors, end all sessions, tell the owner."""
    if not _sure(f"Remove all second factors of {name}?"):
        return 1

    async def act(house: House) -> int:
        gone = await admin_factors.reset_factors(
            house.engine, desk.context, OPERATOR, name, reason=reason
        )
        document = {"removed": [{"id": row.id, "kind": row.kind} for row in gone]}
        kinds = ", ".join(row.kind for row in gone) or "no second factor was bound"
        say(document, as_json=desk.as_json, text=f"{name} has been reset: {kinds}.")
        return 0

    return desk.run(act)


def _typing() -> bool:
    return sys.stdin.isatty()


def _at_a_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _sure(question: str) -> bool:
    """Ask only where somebody can answer: scripts and broken terminals must never wait."""
    if not _at_a_terminal():
        return True
    return input(f"{question} [y/N] ").strip().lower() in {"y", "yes"}


def _subject(subject: Subject) -> dict[str, Any]:
    return {
        "id": subject.id,
        "name": subject.name,
        "email": subject.email,
        "email_verified": subject.email_verified,
        "phone": subject.phone,
        "phone_verified": subject.phone_verified,
        "groups": list(subject.groups),
        "admin": subject.admin,
        "disabled": subject.status is not Status.ACTIVE,
        "created_at": moment(subject.created_at),
        "locale": subject.locale,
    }


def _detail(detail: Detail) -> dict[str, Any]:
    recovery = detail.recovery
    return {
        **_subject(detail.subject),
        "factors": [
            {
                "id": row.id,
                "kind": row.kind,
                "label": row.label,
                "preferred": row.preferred,
                "created_at": moment(row.created_at),
                "used_at": moment(row.used_at),
            }
            for row in detail.factors
        ],
        "recovery_codes_left": recovery.remaining if recovery is not None else None,
        "sessions": [_session(session) for session in detail.sessions],
        "blocked": {kind: moment(until) for kind, until in detail.blocked.items()},
    }


def _session(session: Session) -> dict[str, Any]:
    return {
        "id": session.id,
        "acr": ACR[session.aal],
        "amr": list(session.amr),
        "address": session.address,
        "created_at": moment(session.created_at),
        "seen_at": moment(session.seen_at),
        "expires_at": moment(session.expires_at),
    }


def _described(detail: Detail) -> str:
    subject, recovery = detail.subject, detail.recovery
    proved = "verified" if subject.email_verified else "not verified"
    lines = [
        f"name      {subject.name}",
        f"id        {subject.id}",
        f"email     {f'{subject.email} ({proved})' if subject.email else '-'}",
        f"phone     {subject.phone or '-'}",
        f"locale    {subject.locale or '-'}",
        f"roles     {_roles(subject) or '-'}",
        f"status    {subject.status.name.lower()}",
        f"made      {moment(subject.created_at)}",
        f"recovery  {f'{recovery.remaining} codes left' if recovery is not None else '-'}",
        f"sessions  {len(detail.sessions)}",
    ]
    lines += [f"factor    {row.kind} {row.id} {row.label}".rstrip() for row in detail.factors]
    lines += [
        f"blocked   {kind} until {moment(until) or 'somebody unlocks it'}"
        for kind, until in detail.blocked.items()
    ]
    return "\n".join(lines)


def _roles(subject: Subject) -> str:
    return ", ".join([*(["admin"] if subject.admin else []), *subject.groups])
