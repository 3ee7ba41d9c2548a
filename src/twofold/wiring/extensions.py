"""Factors of other packages: found by their entry points, loaded only when settings name them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from twofold.core.errors import Misconfigured
from twofold.factors import Factor

GROUP: Final = "twofold.factors"
"""The entry point group; each entry names something that is called for its factor."""


def factors(names: Iterable[str]) -> tuple[Factor, ...]:
    """Load the named factors; Misconfigured lists those that no installed package offers."""
    wanted = tuple(names)
    if not wanted:
        return ()
    from importlib.metadata import entry_points

    offered = {point.name: point for point in entry_points(group=GROUP)}
    faults = tuple(
        f"factors.enabled: no installed package offers {name!r}"
        for name in wanted
        if name not in offered
    )
    if faults:
        raise Misconfigured(faults)
    return tuple(offered[name].load()() for name in wanted)
