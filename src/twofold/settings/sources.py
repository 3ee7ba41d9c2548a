"""Where settings come from: files recognised by what is in them, the environment, the command.

Nothing is believed here: each value travels with its origin to where it is read and, if it is
wrong, named.
"""

from __future__ import annotations

import difflib
import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from twofold.core.fields import leaves
from twofold.settings import vendors
from twofold.settings.given import Given, Read, Unread
from twofold.settings.sections import KEYS

PREFIX = "TWOFOLD_"

RESERVED = frozenset({"TWOFOLD_ADMIN_PASSWORD", "TWOFOLD_CONFIG"})
"""Variables of ours that are no settings."""

_LONGEST_FILE = 1_048_576
# Not compiled here: a server without a file never looks for them.
_VENDORS = (
    ("Singularity", r"^\s*singularity\s*[.:]"),
    ("Aidbox", r"\bresourceType\b"),
)
_STRUCTR = (
    r"(?i)^\s*(?:security|application|superuser|structr|configured|httpservice|access\.control"
    r"|registration|confirmationkey|callbacks|initialuser|\w+servlet)\.\S+\s*="
)


def from_file(path: Path) -> Iterator[Read]:
    """Read a file by its content; a vendor's is recognised by it."""
    try:
        raw = path.read_bytes()[: _LONGEST_FILE + 1]
        text = raw.decode("utf-8")
    except OSError as error:
        yield Unread(f"{path}: cannot be read: {error.strerror}")
        return
    except UnicodeDecodeError:
        yield Unread(f"{path}: is not UTF-8 text")
        return
    vendor = _vendor(text)
    if len(raw) > _LONGEST_FILE:
        yield Unread(f"{path}: is too large for a configuration")
    elif vendor:
        yield Unread(
            f"{path}: this is a configuration of {vendor}, which this version does not read yet;"
            " it reads twofold.toml and structr.conf"
        )
    elif re.search(_STRUCTR, text, re.MULTILINE):
        yield from vendors.reader("structr").from_text(path, text)
    else:
        yield from _from_toml(path, text)


def from_environment(environment: Mapping[str, str]) -> Iterator[Read]:
    """Read ``TWOFOLD_<SECTION>__<KEY>``; a variable of ours that names no key is a fault.

    Before them those of vendors, so that a name of ours wins over another's for the same thing.
    """
    if any(variable.upper().startswith("STRUCTR_") for variable in environment):
        yield from vendors.reader("structr").from_environment(environment)
    for variable in sorted(environment):
        if not variable.startswith(PREFIX) or variable in RESERVED:
            continue
        name = variable.removeprefix(PREFIX).replace("__", ".").lower()
        key = KEYS.get(name)
        if key is None:
            yield Unread(_unknown(variable, name, environment=True))
        else:
            yield Given(name, key.reader.text(environment[variable]), variable)


def from_options(options: Mapping[str, object]) -> Iterator[Read]:
    """Take what the command line said, by key; None stands for an option not given."""
    for name, value in options.items():
        if value is not None:
            yield Given(name, value, f"--{name.rpartition('.')[2]}")


def _from_toml(path: Path, text: str) -> Iterator[Read]:
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        yield Unread(f"{path}: is no TOML: {error}")
        return
    except RecursionError:
        yield Unread(f"{path}: is no TOML: nested too deeply")
        return
    for name, value in leaves(KEYS, table):
        if name in KEYS:
            yield Given(name, value, str(path))
        else:
            yield from (Unread(fault) for fault in _misplaced(path, name, value))


def _misplaced(path: Path, name: str, value: object) -> Sequence[str]:
    """Name each key below what is unknown, so that a misspelt section is understood too."""
    if any(known.startswith(f"{name}.") for known in KEYS):
        return [f"{path}: {name} is a section and must be a table"]
    inner = list(value) if isinstance(value, Mapping) else []
    return [_unknown(str(path), f"{name}.{key}") for key in inner] or [_unknown(str(path), name)]


def _unknown(origin: str, name: str, *, environment: bool = False) -> str:
    last = name.rpartition(".")[2]
    alike = [key for key in KEYS if key.rpartition(".")[2] == last]
    near = difflib.get_close_matches(name, alike, n=1, cutoff=0.0)
    near = near or difflib.get_close_matches(name, KEYS, n=1, cutoff=0.6)
    if not near:
        return f"{origin}: {name} is no setting"
    meant = KEYS[near[0]].variable if environment else near[0]
    return f"{origin}: {name} is no setting; did you mean {meant}?"


def _vendor(text: str) -> str | None:
    """Whose configuration this is, if it is not ours: nobody has to name the format."""
    if text.lstrip().startswith(("{", "[{")):
        try:
            document = json.loads(text)
        except (ValueError, RecursionError):
            document = None
        if isinstance(document, dict) and "config" in document:
            return "Conduit"
        if isinstance(document, dict) and "singularity" in document:
            return "Singularity"
    return next((vendor for vendor, mark in _VENDORS if re.search(mark, text, re.MULTILINE)), None)
