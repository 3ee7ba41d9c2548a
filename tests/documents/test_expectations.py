"""What people expect: every row is answered, and what an answer leans on is there."""

import ast
import re

import pytest

from tests.documents.markdown import DOCS, ROOT
from twofold.core.policy import Policy
from twofold.web.languages import named

PAGE = DOCS / "explanation" / "what-people-expect.md"
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.read_text("utf-8").splitlines()
    if line.startswith("| E")
]
TEMPLATES = sorted((ROOT / "src" / "twofold" / "faces" / "templates").glob("*.html"))
FIELD = re.compile(r"<input[^>]*>")
KEPT_OUT = {"recovery_code", "label", "token"}
HAND_OUT = DOCS / "how-to" / "hand-out.md"


def test_every_row_is_answered_once_and_in_order():
    assert [row[0] for row in ROWS] == [f"E{number:02}" for number in range(1, 59)]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_what_shows_it_exists(row):
    _, expected, answer, shown = row
    file, _, name = shown.strip("`").partition("::")
    tree = ast.parse((ROOT / file).read_text("utf-8"))
    defined = {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }

    assert expected
    assert answer.endswith(".")
    assert not name or name in defined


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_what_is_not_met_says_why(row):
    answer = row[2]

    assert answer.startswith("Met") or len(answer.split()) > 8


@pytest.mark.parametrize(
    "setting", sorted(set(re.findall(r"`policy\.(\w+)", PAGE.read_text("utf-8"))))
)
def test_settings_it_names_exist(setting):
    assert hasattr(Policy(), setting)


@pytest.mark.parametrize("words", ["My security", "Add a method", "Replace"])
def test_what_is_handed_out_names_buttons_as_the_pages_do(words):
    text = HAND_OUT.read_text("utf-8")

    assert f"*{words}*" in text
    assert f"*{named('de').text(words)}*" in text


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_no_field_hinders_whoever_pastes_or_has_it_filled_in(template):
    """E36: WCAG 2.2, 3.3.8."""
    text = template.read_text("utf-8")
    off = [field for field in FIELD.findall(text) if 'autocomplete="off"' in field]
    names = {re.search(r' name="(\w+)"', field)[1] for field in off if "checkbox" not in field}

    assert names <= KEPT_OUT
    assert not re.search(r"onpaste|captcha|readonly", text, re.IGNORECASE)
