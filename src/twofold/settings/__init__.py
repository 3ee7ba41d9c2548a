"""Settings: files, environment and command line become one frozen value, or one list of faults.

An operator corrects a configuration once, not fault by fault; each fault names where the value
came from and which key it was for. Later files win over earlier ones, the environment over files,
the command line over both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from itertools import chain
from pathlib import Path
from typing import Any, get_type_hints

from twofold.core import policy_document
from twofold.core.errors import Malformed, Misconfigured
from twofold.core.policy import Policy
from twofold.settings.checks import misfits
from twofold.settings.declaring import Key
from twofold.settings.sections import KEYS, Settings
from twofold.settings.sources import Given, Unread, from_environment, from_file, from_options

__all__ = ["KEYS", "Key", "Settings", "load", "values_of"]

DEFAULT = "default"
"""The origin of a value that nobody gave."""


def load(
    files: Sequence[Path] = (),
    environment: Mapping[str, str] | None = None,
    options: Mapping[str, object] | None = None,
) -> Settings:
    """Read, check and freeze; Misconfigured lists all faults at once.

    ``options`` are what the command line said, by key, None for what it did not say.
    """
    values: dict[str, Any] = {name: key.default for name, key in KEYS.items()}
    origins: dict[str, str] = {}
    faults: list[str] = []
    for given in chain(
        chain.from_iterable(map(from_file, files)),
        from_environment(environment or {}),
        from_options(options or {}),
    ):
        match given:
            case Unread(fault=fault):
                faults.append(fault)
            case Given(key=name, value=value, origin=origin):
                try:
                    values[name] = KEYS[name].reader.read(value)
                except Malformed as error:
                    faults.append(_fault(name, origin, error.detail, value))
                else:
                    origins[name] = origin
    faults += [_fault(name, origins.get(name, DEFAULT), text) for name, text in misfits(values)]
    if faults:
        raise Misconfigured(tuple(dict.fromkeys(faults)))
    return _frozen(values, origins)


def values_of(settings: Settings) -> Iterator[tuple[Key, Any, str]]:
    """Every setting with its value and its origin, in the order of the manual."""
    policy = policy_document.flat(settings.policy)
    for name, key in KEYS.items():
        section, _, last = name.rpartition(".")
        if section.startswith("policy"):
            value = policy[name.removeprefix("policy.")]
        elif section:
            value = getattr(getattr(settings, section), _attribute(last))
        else:
            value = getattr(settings, last)
        yield key, value, settings.origins.get(name, DEFAULT)


def _fault(name: str, origin: str, text: str, value: object = None) -> str:
    """Name origin, key and what is wrong; a value is shown only where it cannot be a secret."""
    shown = ""
    if value is not None and not KEYS[name].secret:
        shown = f", not {value!r:.60}"
    return f"{origin}: {name} {text}{shown}"


def _attribute(name: str) -> str:
    return "from_" if name == "from" else name


def _frozen(values: Mapping[str, Any], origins: Mapping[str, str]) -> Settings:
    parts: dict[str, Any] = {}
    hints = get_type_hints(Settings)
    for part in fields(Settings):
        if part.name in KEYS:
            parts[part.name] = values[part.name]
        elif part.name != "policy" and is_dataclass(section := hints[part.name]):
            parts[part.name] = _section(part.name, section, values)
    parts["policy"] = _policy(values)
    return Settings(**parts, origins=origins)


def _section(name: str, section: Any, values: Mapping[str, Any]) -> object:
    return section(
        **{
            part.name: values[f"{name}.{part.metadata['name'] or part.name}"]
            for part in fields(section)
        }
    )


def _policy(values: Mapping[str, Any]) -> Policy:
    own = {n.removeprefix("policy."): v for n, v in values.items() if n.startswith("policy.")}
    return policy_document.build({**own, "profile": values["profile"]})
