"""House rules that no ready-made linter knows: sizes, names, sentences, and who may catch all."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "twofold"
FILES = sorted(SOURCE.rglob("*.py"))

FILE_LINES = 400
DIALECT_LINES = 480
FUNCTION_LINES = 40

NONDESCRIPT = {"base", "helper", "helpers", "impl", "manager", "util", "utils"}
"""Words that say where code was put, not what it is."""

CATCH_ALL = {
    "adapters/outbox.py",
    "adapters/stores/_writer.py",
    "factors/_webauthn.py",
    "web/kit.py",
}
"""Where the unexpected must not stop the house: the delivery loop, the edge of a request, the one
thread that writes, whose death would leave every caller waiting, and the parsers of somebody else
that read what a stranger sent, where whatever goes wrong is a refusal."""

FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)
DEFINITION = (*FUNCTION, ast.ClassDef)


def name_of(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


every_file = pytest.mark.parametrize("path", FILES, ids=name_of)


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def words(name: str) -> set[str]:
    """The words of a name, in any of Python's spellings."""
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)}


def public(tree: ast.Module) -> Iterator[ast.stmt]:
    """The public classes and functions of a module, and the public methods of those classes."""
    for node in tree.body:
        if isinstance(node, DEFINITION) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from (
                    member
                    for member in node.body
                    if isinstance(member, FUNCTION) and not member.name.startswith("_")
                )


def is_a_sentence(docstring: str | None) -> bool:
    """Whether the first paragraph is there and ends as a sentence does."""
    first = (docstring or "").split("\n\n")[0].strip()
    return first.endswith(".") or ". " in first.replace("\n", " ")


@every_file
def test_no_file_outgrows_its_reader(path):
    limit = DIALECT_LINES if name_of(path).startswith("dialects/") else FILE_LINES

    assert len(path.read_text().splitlines()) <= limit


@every_file
def test_no_function_outgrows_a_screen(path):
    long = {
        node.name: node.end_lineno - node.lineno + 1
        for node in ast.walk(parse(path))
        if isinstance(node, FUNCTION) and node.end_lineno - node.lineno + 1 > FUNCTION_LINES
    }

    assert long == {}


@every_file
def test_names_say_what_a_thing_is(path):
    names = {path.stem} | {n.name for n in ast.walk(parse(path)) if isinstance(n, ast.ClassDef)}
    functions = {n.name for n in ast.walk(parse(path)) if isinstance(n, FUNCTION)}

    vague = {name for name in names if words(name) & NONDESCRIPT}
    # `base_url` and its like are the field's own words.
    vague |= {name for name in functions if words(name) & (NONDESCRIPT - {"base"})}

    assert vague == set()


@every_file
def test_every_module_says_why_it_exists(path):
    assert is_a_sentence(ast.get_docstring(parse(path)))


@every_file
def test_everything_public_is_described_in_a_sentence(path):
    silent = {
        node.name for node in public(parse(path)) if not is_a_sentence(ast.get_docstring(node))
    }

    assert silent == set()


@every_file
def test_only_two_files_catch_everything(path):
    greedy = {"Exception", "BaseException", None}
    found = [
        node.lineno
        for node in ast.walk(parse(path))
        if isinstance(node, ast.ExceptHandler) and caught(node) & greedy
    ]

    assert found == [] or name_of(path) in CATCH_ALL


def caught(handler: ast.ExceptHandler) -> set[str | None]:
    """The names an except clause lists; None for a bare one."""
    match handler.type:
        case None:
            return {None}
        case ast.Tuple(elts=elements):
            return {ast.unparse(element) for element in elements}
        case expression:
            return {ast.unparse(expression)}


@every_file
def test_nothing_depends_on_assert(path):
    # `python -O` removes every assert, and with it whatever it was guarding.
    found = [node.lineno for node in ast.walk(parse(path)) if isinstance(node, ast.Assert)]

    assert found == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("SessionManager", {"session", "manager"}),
        ("_json_utils", {"json", "utils"}),
        ("HTTPBase", {"http", "base"}),
        ("base32", {"base"}),
        ("implicit", {"implicit"}),
        ("manage", {"manage"}),
    ],
)
def test_names_are_read_word_by_word(name, expected):
    assert words(name) == expected
