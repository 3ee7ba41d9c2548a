"""The grammar of ``twofold user``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twofold.cli.frame import ended, read_settings
from twofold.cli.options import (
    Config,
    Data,
    Email,
    FromStdin,
    Groups,
    Json,
    Locale,
    Name,
    Phone,
    Realm,
    Unverified,
    group,
)

if TYPE_CHECKING:  # `--help` must not load the engine
    from twofold.cli.users import Desk

user = group("Accounts: add, import, list, show, set, delete, unlock, reset.")


@user.command("add")
def add(
    name: Annotated[str, typer.Argument(help="The name to sign in with.")],
    email: Email = None,
    phone: Phone = None,
    admin: Annotated[bool, typer.Option("--admin", help="An administrator.")] = False,
    groups: Groups = None,
    locale: Locale = None,
    unverified: Unverified = False,
    password_stdin: FromStdin = False,
    realm: Realm = "default",
    config: Config = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Add an account; without a password one is drawn and shown once."""

    def act(desk: Desk) -> int:
        from twofold.ceremonies.admin import SubjectChange
        from twofold.cli import users

        wish = SubjectChange(
            name=name,
            email=email,
            email_verified=not unverified,
            phone=phone,
            groups=tuple(groups or ()),
            admin=admin,
            locale=locale,
        )
        return users.add(desk, wish, users.Secret(password_stdin))

    _at_desk(act, config, data, realm, as_json=as_json)


@user.command("list")
def listing(
    search: Annotated[str, typer.Option(help="Part of a name or an address.")] = "",
    realm: Realm = "default",
    config: Config = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """List accounts by name."""

    def act(desk: Desk) -> int:
        from twofold.cli import users

        return users.listing(desk, search)

    _at_desk(act, config, data, realm, as_json=as_json)


@user.command("set")
def change(
    name: Name,
    rename: Annotated[str | None, typer.Option("--name", help="Another name.")] = None,
    email: Email = None,
    phone: Phone = None,
    admin: Annotated[
        bool | None, typer.Option("--admin/--no-admin", help="An administrator or not.")
    ] = None,
    groups: Groups = None,
    disabled: Annotated[
        bool | None, typer.Option("--disable/--enable", help="Shut the account out or let it in.")
    ] = None,
    locale: Locale = None,
    unverified: Unverified = False,
    password_stdin: FromStdin = False,
    realm: Realm = "default",
    config: Config = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Change an account; what is not named stays, an empty text clears."""

    def act(desk: Desk) -> int:
        from twofold.ceremonies.admin import SubjectChange
        from twofold.cli import users

        wish = SubjectChange(
            name=rename,
            email=email,
            email_verified=not unverified if email else None,
            phone=phone,
            groups=tuple(filter(None, groups)) if groups is not None else None,
            admin=admin,
            disabled=disabled,
            locale=locale,
        )
        return users.change(desk, name, wish, users.Secret(password_stdin))

    _at_desk(act, config, data, realm, as_json=as_json)


@user.command("reset")
def reset(
    name: Name,
    reason: Annotated[str, typer.Option(help="Why; it goes into the audit record.")] = "",
    realm: Realm = "default",
    config: Config = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Remove all second factors and end all sessions; the owner is told."""

    def act(desk: Desk) -> int:
        from twofold.cli import users

        return users.reset(desk, name, reason)

    _at_desk(act, config, data, realm, as_json=as_json)


@user.command("import")
def bring(
    file: Annotated[Path, typer.Argument(help="What the other product exported.")],
    origin: Annotated[str, typer.Option("--from", help="Whose export it is: structr.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")
    ] = False,
    unverified: Unverified = False,
    realm: Realm = "default",
    config: Config = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Bring accounts along from another product; may be repeated, nobody is changed twice."""

    def act(desk: Desk) -> int:
        from twofold.cli import user_import

        wish = user_import.Wish(origin, file, dry_run, unverified)
        return user_import.bring(desk, wish)

    _at_desk(act, config, data, realm, as_json=as_json)


def _simple(name: str, function: str, summary: str) -> None:
    """Add a command that needs nothing but a name."""

    def run(
        name: Name,
        realm: Realm = "default",
        config: Config = None,
        data: Data = None,
        as_json: Json = False,
    ) -> None:
        def act(desk: Desk) -> int:
            from twofold.cli import users

            work: Callable[[Desk, str], int] = getattr(users, function)
            return work(desk, name)

        _at_desk(act, config, data, realm, as_json=as_json)

    user.command(name, help=summary)(run)


_simple("show", "show", "Show all of an account that is no secret.")
_simple("delete", "delete", "Delete an account with all but its audit records.")
_simple("unlock", "unlock", "Forgive wrong guesses.")


def _at_desk(
    act: Callable[[Desk], int],
    config: Sequence[Path] | None,
    data: str | None,
    realm: str,
    *,
    as_json: bool,
) -> None:
    def work() -> int:
        from twofold.cli.users import Desk
        from twofold.core.types import Realm as RealmName

        return act(Desk(read_settings(config, data), RealmName(realm), as_json))

    raise typer.Exit(ended(work, as_json=as_json))
