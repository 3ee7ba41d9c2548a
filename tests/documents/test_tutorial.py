"""The commands a newcomer copies work, in the order of the page, against a real server."""

import json
import re

import pytest

from tests.documents.markdown import DOCS, PAGES, ROOT, blocks, name_of
from tests.documents.terminal import Terminal, read_aloud
from tests.support.server import running_server

TUTORIAL = DOCS / "tutorial" / "first-login.md"
README = ROOT / "README.md"

SLOW_HANDS = {"totp": {"past": 3}}
"""A test types codes of the step before; a slow machine may take it over one more boundary."""


def first(_: Terminal) -> str:
    return ""


def second(_: Terminal) -> str:
    return "2"


@pytest.fixture
def server(tmp_path):
    with running_server(tmp_path, config=SLOW_HANDS) as running:
        yield running


def test_the_tutorial_works_as_it_is_written(server, tmp_path):
    password = Terminal.password
    typed = [
        *[(1, answer) for answer in (password, first, first, lambda t: t.code(1))],
        *[(2, answer) for answer in (password, first, lambda t: t.code(1))],
        *[(3, answer) for answer in (password, second, Terminal.recovery_code)],
        (5, lambda t: t.code(2)),
    ]

    printed = read_aloud(TUTORIAL, server, tmp_path, typed)

    assert printed.count("You are signed in.") == 2
    assert '"amr":["pwd","otp","rc"]' in printed
    assert "nothing is wrong" in printed
    shown = printed[printed.rindex("name ") :]
    assert "factor    totp" in shown
    assert "New phone" in shown
    assert "recovery  9 codes left" in shown


def test_the_readme_works_as_it_is_written(server, tmp_path):
    typed = [
        (1, Terminal.password),
        (2, lambda t: t.code(1)),
        (4, lambda t: t.code(1)),
    ]

    printed = read_aloud(README, server, tmp_path, typed)

    session = json.loads(printed.strip().splitlines()[-1])
    assert session["name"] == "admin"
    assert session["acr"] == "urn:twofold:aal2"


def test_an_application_verifies_codes_as_it_is_written(server, tmp_path):
    typed = [
        *[(1, answer) for answer in (Terminal.password, first, first, lambda t: t.code(1))],
        (3, lambda t: t.code(2)),
        (5, lambda t: t.code(2)),
    ]

    printed = read_aloud(DOCS / "how-to" / "keep-your-own-passwords.md", server, tmp_path, typed)

    *_, verified, keys = printed.strip().splitlines()
    assert json.loads(verified)["acr"] == "urn:twofold:aal2"
    assert json.loads(keys)["keys"]


def test_the_commands_of_the_readme_are_targets_of_make():
    made = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {
        target
        for block in blocks(README, "")
        for target in re.findall(r"^make ([a-z]+)$", block.text, re.MULTILINE)
    }

    assert named == {"serve", "test"}
    assert named <= made


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_whoever_pastes_a_block_is_not_answered_for_by_its_next_line(page):
    asking = re.compile(r"^read |twofold login", re.MULTILINE)
    for block in blocks(page, "sh"):
        *before, _ = block.text.strip().splitlines()

        assert asking.search("\n".join(before)) is None
