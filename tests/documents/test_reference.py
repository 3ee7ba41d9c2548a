"""The reference is complete: what the code has, the manual has, in the words of the code."""

import importlib.util
from types import ModuleType

import pytest
from typer.main import get_command

from tests.documents.markdown import DOCS, ROOT
from twofold.cli import grammar
from twofold.core import audit, ceremony, effects
from twofold.core.errors import TwofoldError
from twofold.settings import KEYS

REFERENCE = DOCS / "reference"


def generator() -> ModuleType:
    file = ROOT / "scripts" / "generate_reference.py"
    spec = importlib.util.spec_from_file_location("generate_reference", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GENERATOR = generator()


def page(name: str) -> str:
    return (REFERENCE / name).read_text("utf-8")


@pytest.mark.parametrize("name", GENERATOR.PAGES)
def test_a_generated_page_says_what_the_code_says(name):
    # If this fails: scripts/generate_reference.py
    assert page(name) == GENERATOR.PAGES[name]()


def test_every_error_code_is_explained():
    codes = {kind.code for kind in GENERATOR.subclasses(TwofoldError)}

    assert {code for code in codes if f"| `{code}` |" not in page("errors.md")} == set()


def test_every_event_is_explained():
    assert {name for name in audit.EVENTS if f"`{name}`" not in page("events.md")} == set()


def test_every_effect_is_explained():
    kinds = {kind.__name__ for kind in effects.Effect.__args__}

    assert {name for name in kinds if f"| `{name}` |" not in page("effects.md")} == set()


def test_every_state_and_step_is_drawn():
    words = {str(word) for pair in ceremony.TRANSITIONS for word in pair}

    assert {word for word in words if f"`{word}`" not in page("ceremony.md")} == set()


def test_every_route_is_listed():
    paths = {f"{route.method} {route.path}" for route in GENERATOR.all_routes()}

    assert {path for path in paths if f" `{path}`\n" not in page("api.md")} == set()


def test_every_setting_is_explained():
    assert {name for name in KEYS if f"`{name}`" not in page("settings.md")} == set()


def test_every_command_is_explained():
    commands = {words for words, _ in GENERATOR._commands("twofold", get_command(grammar.app))}

    assert commands
    assert {words for words in commands if f"## `{words}" not in page("cli.md")} == set()
