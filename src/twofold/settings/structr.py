"""A real structr.conf, as its product's administrators have it, and its environment variables.

``key = value``, one a line, in any case; ``#`` and ``!`` begin a comment. Loaded only where there
is such a file or such a variable.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from twofold.core.errors import Malformed
from twofold.core.policy import Policy, Profile
from twofold.dialects.structr import config, config_level
from twofold.dialects.structr.config_setting import Applies, Setting
from twofold.settings.given import Given, Noted, Read, Unread, Vendored

NAME: Final = "structr"
PREFIX: Final = "STRUCTR_"

_LINE = re.compile(r"\s*([^\s=:#!]+)\s*[=:]\s*(.*)")
_SHOWN: Final = 3


def from_text(path: Path, text: str) -> Iterator[Read]:
    """Read a file that was recognised as a structr.conf."""
    left_alone: list[str] = []
    secret = False
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        if not line.strip() or line.lstrip()[0] in "#!":
            continue
        form = _LINE.fullmatch(line)
        if form is None:
            yield Unread(f"{path}: line {number} is no 'key = value'")
            continue
        name, value = form[1], form[2].strip()
        known = config.find(name)
        if known is not None:
            secret |= known.secret and bool(value)
            yield from _value(known, name, value, str(path))
        elif name.lower().startswith(config.TWO_FACTOR):
            yield Unread(_unknown(str(path), name))
        else:
            left_alone.append(name)
    if secret:
        yield from _advice(path)
    if left_alone:
        some = ", ".join(left_alone[:_SHOWN])
        more = ", ..." if len(left_alone) > _SHOWN else ""
        yield Noted(
            f"{path}: {len(left_alone)} keys concern Structr alone and mean nothing here:"
            f" {some}{more}"
        )


def from_environment(environment: Mapping[str, str]) -> Iterator[Read]:
    """Read ``STRUCTR_`` and a key, ``.`` as ``_`` and ``_`` as ``__``; others are left alone."""
    for variable in sorted(environment):
        if not variable.upper().startswith(PREFIX):
            continue
        name = _name_of(variable)
        known = config.find(name)
        if known is not None:
            yield from _value(known, variable, environment[variable].strip(), variable)
        elif name.lower().startswith(config.TWO_FACTOR):
            yield Unread(_unknown(variable, name))


def misfits(values: Mapping[str, Any], profile: Profile) -> Iterator[tuple[str, str]]:
    """Yield the keys of values that do not go together, and what is wrong."""
    yield from config.misfits(values, profile)


def explained(values: Mapping[str, Any], origins: Mapping[str, str]) -> Iterator[str]:
    """What an operator should hear of values that are taken."""
    spared = f"{config.TWO_FACTOR}whitelistedIPs"
    if spared in values:
        for complaint in values[spared].complaints:
            yield f"{origins[spared]}: {spared}: {complaint}"
    for name, value in values.items():
        known = config.SETTINGS[name]
        if known.applies is Applies.NEVER and value != known.default:
            yield f"{origins[name]}: {name} has no effect here: {known.text}"


def settings_of(values: Mapping[str, Any], policy: Policy) -> config.StructrSettings:
    """The frozen settings; the level is what the realm's policy says."""
    return config.build({**values, config_level.NAME: config_level.of(policy)})


def _value(known: Setting, name: str, value: str, origin: str) -> Iterator[Read]:
    try:
        read = config.read(known, value)
    except Malformed as error:
        shown = "" if known.secret else f", not {value!r:.60}"
        said = origin if name == origin else f"{origin}: {name}"
        yield Unread(f"{said} {error.detail}{shown}")
        return
    if known.name == config_level.NAME:
        enforcement = config_level.ENFORCEMENTS[read]
        yield Given("policy.enforcement", enforcement.value, f"{origin} ({known.name})")
    yield Vendored(NAME, known.name, read, origin)


def _advice(path: Path) -> Iterator[Noted]:
    try:
        others = path.stat().st_mode & 0o077
    except OSError:
        return
    if others:
        yield Noted(f"{path}: holds a secret and can be read by others; chmod 600 {path}")


def _name_of(variable: str) -> str:
    parts = variable[len(PREFIX) :].split("__")
    return "_".join(part.replace("_", ".") for part in parts)


def _unknown(origin: str, name: str) -> str:
    start = len(config.TWO_FACTOR)
    tails = {n[start:].lower(): n for n in config.SETTINGS if n.startswith(config.TWO_FACTOR)}
    near = difflib.get_close_matches(name[start:].lower(), tails, n=1, cutoff=0.6)
    meant = f"; did you mean {tails[near[0]]}?" if near else ""
    return f"{origin}: {name} is no setting of Structr{meant}"
