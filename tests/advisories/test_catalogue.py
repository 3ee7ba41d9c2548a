"""Every attack of the catalogue that concerns the native API has a test of its name."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

import pytest

CONCERNED = tuple(
    f"A{number:02}"
    for number in (
        *(1, 3, 5, 7, 11, 13),  # replay
        *(15, 17, 19, 21, 23, 27, 29),  # guessing
        *(31, 33, 35, 41, 43),  # tokens
        *(49, 51, 53, 55, 57, 59),  # other paths
        *(61, 63, 65, 67, 69, 71, 73, 75, 77),  # enrolment, removal, recovery
        *(79, 81, 83, 85, 89),  # disclosure
        *(91, 93, 95),  # authority
        *(99, 101, 103, 105),  # network
        *(109, 111, 113, 115, 117),  # browser
        *(119, 121, 123, 125, 127, 129, 131),  # input
        *(137, 139, 141),  # outbound
        *(143, 147, 151),  # keys and randomness
        *(153, 155, 157),  # passkeys
    )
)
"""The entries of priority P0 that are marked [*] or native, and those P1 that our pages bring.

Left for those who bring what they are about: A09 (P1), A25 and A145 (several nodes and keys), A37
to A47 (dialects, other providers), A135 (webhooks), A159 (failover of a database).
"""


def _tests() -> dict[str, list[ast.AsyncFunctionDef | ast.FunctionDef]]:
    found = defaultdict(list)
    for file in Path(__file__).parent.glob("test_*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef):
                named = re.match(r"test_(a[0-9]+)_[a-z]", node.name)
                if named:
                    found[named[1].upper()].append(node)
    return found


@pytest.mark.parametrize("entry", CONCERNED)
def test_every_entry_has_a_test_that_names_it(entry):
    assert _tests()[entry], f"no test in this folder begins with test_{entry.lower()}_"


def test_every_test_names_an_entry_and_says_what_it_is_about():
    for entry, tests in _tests().items():
        assert entry in CONCERNED
        for test in tests:
            assert ast.get_docstring(test), test.name
