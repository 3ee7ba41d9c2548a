"""The rules see no world: an allow-list of imports, and beside it a deny-list of what calls can do.

The allow-list is the law, because a deny-list leaks; the other catches what allowed names can hide.
"""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src"
RULES = sorted(
    path for room in ("core", "factors") for path in (SOURCE / "twofold" / room).rglob("*.py")
)

ALLOWED = {
    "__future__",
    "base64",
    "binascii",
    "bisect",
    "collections.abc",
    "dataclasses",
    "enum",
    "functools",
    "hashlib",
    "hmac",
    "ipaddress",
    "itertools",
    "json",
    "math",
    "re",
    "string",
    "struct",
    "types",
    "typing",
    "unicodedata",
    "urllib.parse",
}
"""Values in, values out: none of these tells the time, draws a byte, touches a file or a socket."""

DOORS = {
    "twofold/core/assertions.py": {"cryptography"},
    "twofold/core/audit.py": {"cryptography"},
    "twofold/core/seal.py": {"cryptography"},
    "twofold/factors/_argon2.py": {"argon2"},
    "twofold/factors/_webauthn.py": {"webauthn"},
}
"""The only files in which a foreign library takes part in the rules."""

DENIED_NAMES = {
    "__import__",
    "asyncio",
    "breakpoint",
    "compile",
    "eval",
    "exec",
    "globals",
    "input",
    "logging",
    "open",
    "print",
    "random",
    "secrets",
}
"""Names that reach for the world, however they were come by."""

DENIED_CALLS = {
    "generate_key",
    "getrandbits",
    "import_module",
    "monotonic",
    "now",
    "perf_counter",
    "randbelow",
    "time",
    "time_ns",
    "today",
    "token_bytes",
    "token_hex",
    "token_urlsafe",
    "urandom",
    "utcnow",
    "uuid4",
}
"""Methods that answer differently the second time."""

AWAITING = (ast.AsyncFunctionDef, ast.AsyncFor, ast.AsyncWith, ast.Await)


def imported(tree: ast.AST) -> set[str]:
    """Every module a file imports, wherever in the file it does so."""
    names = set()
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=aliases):
                names |= {alias.name for alias in aliases}
            case ast.ImportFrom(module=module, level=0):
                names.add(module)
            case ast.ImportFrom():
                names.add("a relative import")
    return names


def within(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")


def strangers(file: str, tree: ast.AST) -> set[str]:
    """What a file of the rules imports although it must not."""
    own = (
        {"twofold.core"}
        if file.startswith("twofold/core/")
        else {"twofold.core", "twofold.factors"}
    )
    packages = own | DOORS.get(file, set())
    return {
        module
        for module in imported(tree) - ALLOWED
        if not any(within(module, package) for package in packages)
    }


def reaches(tree: ast.AST) -> list[str]:
    """Where a file of the rules reaches for the world, or waits for it."""
    found = []
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) if name in DENIED_NAMES:
                found.append(f"line {node.lineno}: {name}")
            case ast.Call(func=ast.Attribute(attr=name)) if name in DENIED_CALLS:
                found.append(f"line {node.lineno}: .{name}()")
            case ast.Call(func=ast.Name(id=name)) if name in DENIED_CALLS:
                found.append(f"line {node.lineno}: {name}()")
            case _ if isinstance(node, AWAITING):
                found.append(f"line {node.lineno}: {type(node).__name__}")
    return found


def name_of(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


@pytest.mark.parametrize("path", RULES, ids=name_of)
def test_the_rules_import_no_world(path):
    tree = ast.parse(path.read_text())

    assert strangers(name_of(path), tree) == set()


@pytest.mark.parametrize("path", RULES, ids=name_of)
def test_the_rules_neither_reach_for_the_world_nor_wait_for_it(path):
    tree = ast.parse(path.read_text())

    assert reaches(tree) == []


@pytest.mark.parametrize(
    "source",
    [
        "import time",
        "import datetime",
        "import os.path",
        "import collections",
        "from urllib import request",
        "from urllib.request import urlopen",
        "from twofold.factors import Factor",
        "from twofold.corelike import anything",
        "from . import types",
        "from cryptography.hazmat.primitives.ciphers.aead import AESGCM",
        "def late():\n    import secrets",
        "if TYPE_CHECKING:\n    import sqlite3",
    ],
)
def test_the_allow_list_sees_every_way_in(source):
    assert strangers("twofold/core/otp.py", ast.parse(source)) != set()


@pytest.mark.parametrize(
    "source",
    [
        "open('/etc/hostname')",
        "opener = open",
        "clock.now()",
        "urandom(8)",
        "AESGCM.generate_key(256)",
        "secrets.token_bytes(8)",
        "async def step(): ...",
        "async def step():\n    await nothing",
        "logging.getLogger()",
    ],
)
def test_the_deny_list_sees_what_hides_in_a_call(source):
    assert reaches(ast.parse(source)) != []


def test_the_doors_are_where_they_are_said_to_be():
    open_doors = {
        file
        for file, libraries in DOORS.items()
        if (SOURCE / file).exists()
        and any(
            within(module, library)
            for module in imported(ast.parse((SOURCE / file).read_text()))
            for library in libraries
        )
    }
    existing = {file for file in DOORS if (SOURCE / file).exists()}

    assert open_doors == existing


WORLD = (
    "aiosmtplib",
    "asyncio",
    "httptools",
    "jinja2",
    "msgspec",
    "prometheus_client",
    "rich",
    "socket",
    "sqlite3",
    "ssl",
    "starlette",
    "typer",
    "uvicorn",
    "uvloop",
    "zxingcpp",
)


def loaded_by(statement: str) -> set[str]:
    """The parts of the world that a statement loads in a fresh interpreter."""
    program = f"{statement}; print(*(name for name in {WORLD!r} if name in sys.modules))"
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(SOURCE)!r}); {program}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_one_time_passwords_load_no_web_server():
    assert loaded_by("import twofold.core.otp") == set()


def test_all_the_rules_together_load_no_web_server():
    modules = [
        name_of(path).removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        for path in RULES
    ]

    assert loaded_by(f"import {', '.join(modules)}") == set()
