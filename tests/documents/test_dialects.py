"""The pages for those who come from another product: complete, and true when they are tried."""

import re

import pytest

from tests.documents.markdown import DOCS, blocks
from tests.documents.terminal import read_aloud
from tests.support.server import running_server
from twofold.dialects.structr.config import SETTINGS, find

STRUCTR = DOCS / "dialects" / "structr.md"
SETTING = re.compile(r"`((?:security|httpservice|application|registration)\.[\w.]*\w)[` =]")


def test_every_setting_is_explained():
    text = (DOCS / "reference" / "structr.md").read_text("utf-8")

    for known in SETTINGS.values():
        row = next(line for line in text.splitlines() if line.startswith(f"| `{known.name}`"))
        assert known.text in row
        assert known.reader.expected in row


def test_no_setting_is_told_of_that_there_is_not():
    text = STRUCTR.read_text("utf-8")
    told = {name for name in SETTING.findall(text) if not name.startswith("application.h")}

    assert len(told) > 5
    assert [name for name in told if find(name) is None] == []


def test_what_has_no_effect_is_told_to_have_none():
    text = (DOCS / "reference" / "structr.md").read_text("utf-8")

    for known in SETTINGS.values():
        row = next(line for line in text.splitlines() if line.startswith(f"| `{known.name}`"))
        assert f"| {known.applies} |" in row


@pytest.mark.slow
def test_the_commands_of_the_move_work(tmp_path):
    with running_server(tmp_path) as server:
        printed = read_aloud(STRUCTR, server, tmp_path, ())

    assert len(blocks(STRUCTR, "sh")) == 3
    assert "fine: 4 settings given" in printed
    assert "logintimeout = 60 (from: run time; applies at once)" in printed
    assert "1 imported, 1 imported, must set up its app again" in printed
