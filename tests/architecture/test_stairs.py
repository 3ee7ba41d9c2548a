"""The stairs of the house, as `.importlinter` draws them, are climbed in one direction only."""

import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest
from importlinter import cli

ROOT = Path(__file__).parents[2]
HOUSE = ROOT / "src" / "twofold"
CONTRACTS = ROOT / ".importlinter"


def test_every_room_knows_only_the_floors_below(monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(HOUSE.parent))
    # It would switch off every logger of this process, and tests of the log come after this one.
    monkeypatch.setattr(cli, "_configure_logging", lambda verbose: None)

    status = cli.lint_imports(config_filename=str(CONTRACTS), no_cache=True, no_logo=True)

    said = capsys.readouterr().out
    assert status == cli.EXIT_STATUS_SUCCESS, said


def floors() -> set[str]:
    contracts = ConfigParser()
    contracts.read(CONTRACTS)
    stairs = contracts["importlinter:contract:stairs"]["layers"].replace("|", "\n").split("\n")
    return {room.strip(" ()") for room in stairs} - {""}


def test_every_room_has_a_floor():
    rooms = {path.stem for path in HOUSE.glob("*.py")}
    rooms |= {path.parent.name for path in HOUSE.glob("*/__init__.py")}

    assert rooms - {"__init__"} <= floors()


def small_house(directory: Path, trespasses: list[tuple[str, str]]) -> None:
    """An empty house of the same plan, in which some modules import what they must not."""
    house = directory / "twofold"
    files = {room: house / room / "__init__.py" for room in floors()}
    for room in ("__main__", "ports", "settings", "testing", "wiring"):
        files[room] = house / f"{room}.py"
    for kind in ("mallory", "sybil", "_out_of_band"):
        files[f"factors.{kind}"] = house / "factors" / f"{kind}.py"
    for dialect in ("eve", "trudy"):
        files[f"dialects.{dialect}"] = house / "dialects" / dialect / "__init__.py"
    for path in (house / "__init__.py", *files.values()):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    for room, target in trespasses:
        with files[room].open("a") as module:
            module.write(f"import twofold.{target}\n")


def lint(directory: Path) -> subprocess.CompletedProcess[str]:
    # A process of its own, because the real package is already imported in this one.
    command = "from importlinter.cli import lint_imports_command as lint; lint()"
    return subprocess.run(
        [sys.executable, "-c", command, "--config", CONTRACTS, "--no-cache", "--no-logo"],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )


# The importer, what it must not import, and the contract that says so.
TRESPASSES = [
    ("core", "factors", "Each room knows only the floors below"),
    ("factors", "ports", "Each room knows only the floors below"),
    ("ports", "ceremonies", "Each room knows only the floors below"),
    ("ceremonies", "web", "Each room knows only the floors below"),
    ("dialects", "faces", "Each room knows only the floors below"),
    ("settings", "wiring", "Each room knows only the floors below"),
    ("wiring", "cli", "Each room knows only the floors below"),
    ("adapters", "factors", "it knows ports and core only"),
    ("sdk", "ports", "knows core only"),
    ("factors.mallory", "factors.sybil", "A kind of authenticator knows no other kind"),
    ("ceremonies", "factors.mallory", "Ceremonies know what a factor is"),
    ("cli", "adapters", "Only the composition root knows"),
    ("cli", "web", "The HTTP kit serves faces and dialects only"),
    ("faces", "factors", "Faces and dialects speak to the engine"),
    ("dialects", "ports", "Faces and dialects speak to the engine"),
    ("dialects.eve", "dialects.trudy", "A dialect knows no other dialect"),
]


@pytest.mark.parametrize(("room", "target", "contract"), TRESPASSES)
def test_a_trespass_is_named(room, target, contract, tmp_path):
    small_house(tmp_path, [(room, target)])

    linted = lint(tmp_path)

    assert linted.returncode == cli.EXIT_STATUS_ERROR, linted.stdout + linted.stderr
    broken = [line for line in linted.stdout.splitlines() if line.endswith(" BROKEN")]
    assert any(contract in line for line in broken), linted.stdout


def test_what_goes_down_the_stairs_is_welcome(tmp_path):
    welcome = [
        ("cli", "wiring"),
        ("wiring", "adapters"),
        ("settings", "dialects"),
        ("faces", "web"),
        ("dialects", "ceremonies"),
        ("ceremonies", "factors"),
        ("ceremonies", "ports"),
        ("factors.mallory", "factors._out_of_band"),
        ("adapters", "ports"),
        ("sdk", "core"),
    ]
    small_house(tmp_path, welcome)

    linted = lint(tmp_path)

    assert linted.returncode == cli.EXIT_STATUS_SUCCESS, linted.stdout + linted.stderr


def test_a_room_without_a_floor_is_named(tmp_path):
    small_house(tmp_path, [])
    (tmp_path / "twofold" / "attic.py").touch()

    linted = lint(tmp_path)

    assert linted.returncode == cli.EXIT_STATUS_ERROR
    assert "attic" in linted.stdout + linted.stderr
