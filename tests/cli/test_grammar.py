"""What every command has in common: help, exit statuses, options."""

import subprocess
import sys

import pytest
from typer.main import get_command

from tests.support.server import surroundings
from twofold.cli.grammar import app


def commands(command=None, words=()):
    command = command or get_command(app)
    inner = getattr(command, "commands", None)
    if inner is None:
        return [(words, command)]
    return [found for name, child in inner.items() for found in commands(child, (*words, name))]


ALL = commands()


@pytest.mark.parametrize(("words", "command"), ALL, ids=[" ".join(words) for words, _ in ALL])
def test_every_command_explains_itself_and_each_option(run, words, command):
    done = run(*words, "--help", data=None)

    assert done.status == 0
    assert done.out.startswith(f"Usage: twofold {' '.join(words)}")
    assert command.help.endswith(".")
    for option in command.params:
        assert option.help.endswith("."), option.opts


@pytest.mark.parametrize(("words", "command"), ALL, ids=[" ".join(words) for words, _ in ALL])
def test_every_command_can_answer_in_json_and_be_told_its_configuration(words, command):
    options = {word for option in command.params for word in option.opts}

    assert "--json" in options
    assert words == ("login",) or {"--config", "--data"} <= options


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("user",),
        ("frobnicate",),
        ("user", "add"),
        ("user", "list", "--colour", "red"),
        ("audit", "tail", "-n", "-1"),
        ("serve", "--port", "eighty"),
    ],
)
def test_misuse_ends_with_two(run, words):
    assert run(*words, data=None).status == 2


def test_the_promised_commands_are_there():
    assert {" ".join(words) for words, _ in ALL} >= {
        "serve", "login", "doctor", "config show", "config check", "keys list", "keys rotate",
        "audit verify", "audit export", "audit tail", "user add", "user list", "user show",
        "user set", "user delete", "user unlock", "user reset",
    }  # fmt: skip


def test_help_loads_no_engine_and_no_web_server():
    program = (
        "import sys; from twofold.cli import main; main(['--help']);"
        "print([name for name in ('asyncio', 'argon2', 'cryptography', 'msgspec', 'rich',"
        " 'sqlite3', 'starlette', 'uvicorn') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=surroundings(),
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.splitlines()[-1] == "[]"
