"""Options that several commands share: spelled and explained once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Config = Annotated[
    list[Path] | None,
    typer.Option("--config", help="A configuration file; may repeat, later ones win."),
]
Data = Annotated[str | None, typer.Option("--data", help="The data directory.")]
Json = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]
Realm = Annotated[str, typer.Option("--realm", help="The realm of the account.")]
Name = Annotated[str, typer.Argument(help="Name, id, verified address or number.")]
Email = Annotated[str | None, typer.Option("--email", help="E-mail address.")]
Phone = Annotated[str | None, typer.Option("--phone", help="Phone number with + and country code.")]
Groups = Annotated[list[str] | None, typer.Option("--group", help="A group; may repeat.")]
Locale = Annotated[
    str | None, typer.Option("--locale", help="The language of messages, as de or de-AT.")
]
FromStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input.")
]
Unverified = Annotated[
    bool, typer.Option("--unverified", help="The owner has still to prove the address.")
]


def group(summary: str) -> typer.Typer:
    """A group of commands whose help is plain text: drawing it would cost more than it says."""
    return typer.Typer(
        help=summary, no_args_is_help=True, add_completion=False, rich_markup_mode=None
    )
