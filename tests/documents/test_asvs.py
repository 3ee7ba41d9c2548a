"""The rows of ASVS that we say are tested name tests that exist."""

import ast
import csv
from functools import cache
from pathlib import Path

import pytest

from tests.documents.markdown import DOCS, ROOT

with (DOCS / "asvs.csv").open(encoding="utf-8", newline="") as _file:
    ROWS = list(csv.DictReader(_file))


@cache
def named_in(file: Path) -> frozenset[str]:
    found = ast.walk(ast.parse(file.read_text("utf-8")))
    functions = (node for node in found if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(node.name for node in functions if node.name.startswith("test_"))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_a_row_names_tests_that_exist(row):
    named = [test.partition("::") for test in row["tests"].split()]
    files = {file for file, _, _ in named}

    assert named
    assert {file for file in files if not (ROOT / file).is_file()} == set()
    assert {test for file, _, test in named if test not in named_in(ROOT / file)} == set()


def test_each_row_stands_once_and_says_what_it_asks():
    ids = [row["id"] for row in ROWS]

    assert ids == sorted(set(ids))
    assert all(row["what it asks"] and row["rows"] and row["level"] in "123" for row in ROWS)
