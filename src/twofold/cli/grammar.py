"""The grammar of all commands; what they do stands in files of their own, loaded when wanted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Annotated, Any

import typer

from twofold.cli import serve as serving
from twofold.cli.frame import MISUSED, ended, read_settings
from twofold.cli.options import Config, Data, Json, Locale, group
from twofold.cli.user_grammar import user

app = group("A self-hosted two-factor authentication server.")
keys = group("Master keys: list, rotate.")
audit = group("The audit trail: verify, export, tail.")
config = group("The configuration: show, check, set, unset.")
mail = group("Messages: preview.")


@app.command()
def serve(
    config: Config = None,
    data: Data = None,
    host: Annotated[str | None, typer.Option(help="The address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="The port; 0 takes a free one.")] = None,
    workers: Annotated[int | None, typer.Option(help="How many processes serve.")] = None,
    as_json: Json = False,
) -> None:
    """Start the server."""
    options = serving.Options(tuple(config or ()), data, host, port, workers, as_json)
    raise typer.Exit(serving.run(options))


@app.command()
def login(
    name: Annotated[str | None, typer.Argument(help="Who signs in; asked for if left out.")] = None,
    url: Annotated[str, typer.Option(help="Where the server is.")] = "http://127.0.0.1:8080",
    as_json: Json = False,
) -> None:
    """Sign in at a running server, to try it out."""
    work = _of("login", "login")
    raise typer.Exit(ended(lambda: work(url, name, as_json=as_json), as_json=as_json))


@config.command("show")
def config_show(
    origin: Annotated[bool, typer.Option("--origin", help="Say where each comes from.")] = False,
    config: Config = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Print every setting that is in force; secrets stay hidden."""
    work = _of("config", "show")
    raise typer.Exit(
        ended(
            lambda: work(read_settings(config, data), origin=origin, as_json=as_json),
            as_json=as_json,
        )
    )


@mail.command("preview")
def mail_preview(
    name: Annotated[str, typer.Argument(help="The message, as code or factor-added.")],
    locale: Locale = None,
    channel: Annotated[str, typer.Option(help="email or sms.")] = "email",
    html: Annotated[bool, typer.Option("--html", help="Print the HTML and not the text.")] = False,
    config: Config = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Print a message as it would be sent, with made-up values."""
    work = _of("mail", "preview")
    wish = {"name": name, "locale": locale or "", "channel": channel}
    raise typer.Exit(
        ended(
            lambda: work(read_settings(config, data), **wish, html=html, as_json=as_json),
            as_json=as_json,
        )
    )


@config.command("set")
def config_set(
    name: Annotated[str, typer.Argument(help="A key of a dialect, as its vendor writes it.")],
    value: Annotated[str, typer.Argument(help="The new value.")],
    config: Config = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Change a dialect's setting; running servers follow within a second."""
    _config_change(name, value, config, data, as_json=as_json)


@config.command("unset")
def config_unset(
    name: Annotated[str, typer.Argument(help="A key of a dialect, as its vendor writes it.")],
    config: Config = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Take a change back: files and environment count again."""
    _config_change(name, None, config, data, as_json=as_json)


def _config_change(
    name: str, value: str | None, files: Config, data: Data, *, as_json: bool
) -> None:
    work = _of("config", "change")
    raise typer.Exit(
        ended(
            lambda: work(read_settings(files, data), name, value, as_json=as_json),
            as_json=as_json,
        )
    )


@audit.command("tail")
def audit_tail(
    count: Annotated[int, typer.Option("--count", "-n", min=0, help="How many records.")] = 20,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Wait for more.")] = False,
    realm: Annotated[str | None, typer.Option(help="Of one realm only.")] = None,
    config: Config = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Print the newest records as JSON lines."""
    work = _of("audit", "tail")
    raise typer.Exit(
        ended(
            lambda: work(read_settings(config, data), realm, count, follow=follow), as_json=as_json
        )
    )


def _of(module: str, function: str) -> Callable[..., int]:
    """What a command does, loaded now: `--help` must not load the engine."""
    work: Callable[..., int] = getattr(import_module(f"twofold.cli.{module}"), function)
    return work


def _simple(where: typer.Typer, name: str, module: str, function: str, summary: str) -> None:
    """Add a command that needs nothing but the settings."""

    def run(config: Config = None, data: Data = None, as_json: Json = False) -> None:
        work = _of(module, function)
        raise typer.Exit(
            ended(lambda: work(read_settings(config, data), as_json=as_json), as_json=as_json)
        )

    where.command(name, help=summary)(run)


_simple(config, "check", "config", "check", "Say all that is wrong with the configuration.")
_simple(keys, "list", "keys", "listing", "List the master keys by their ids.")
_simple(keys, "rotate", "keys", "rotate", "Put a new master key before the others; no restart.")
_simple(audit, "verify", "audit", "verify", "Hold every record against its seal.")
_simple(
    audit, "export", "audit", "export", "Print the trail as JSON lines, to be checked anywhere."
)
_simple(app, "doctor", "doctor", "examined", "Look at all that a careful operator would look at.")
app.add_typer(user, name="user")
app.add_typer(keys, name="keys")
app.add_typer(audit, name="audit")
app.add_typer(config, name="config")
app.add_typer(mail, name="mail")


def run_command(words: Sequence[str]) -> int:
    """Run what the words say and return the exit status."""
    try:
        app(args=list(words), prog_name="twofold")
    except SystemExit as ending:
        return _status(ending.code)
    return 0


def _status(code: Any) -> int:
    return code if isinstance(code, int) else MISUSED
