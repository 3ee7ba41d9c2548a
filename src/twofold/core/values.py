"""Frozen values that cost no more to make than values that are not.

A frozen dataclass sets each field through ``object.__setattr__``, which costs several times as much
as an ordinary assignment; a login makes some twenty values of five to twenty fields, and paid a
sixth of its time for that. Here a value is filled in while it is of an open twin with the very
same slots, and becomes what it is, frozen for good, before anybody else has seen it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, Field, field, fields, make_dataclass
from functools import wraps
from typing import Any, Never, TypeVar

Value = TypeVar("Value")


def quick(cls: type[Value]) -> type[Value]:
    """Give a frozen dataclass with slots an ``__init__`` of the same meaning that is quicker.

    For classes of four fields or more that are made with every request; below that it is no
    gain. Every field is one of ``__init__``, there is no ``__post_init__``, and nothing inherits
    from it: a value of a class below would become one of this class.
    """
    known: tuple[Field[Any], ...] = fields(cls)  # type: ignore[arg-type] # that is what it is for
    if hasattr(cls, "__post_init__") or not all(f.init and not f.kw_only for f in known):
        raise TypeError(f"{cls.__name__} needs the ordinary __init__")
    twin = make_dataclass(
        cls.__name__, [_again(f) for f in known], slots=True, eq=False, repr=False, match_args=False
    )
    fill: Callable[..., None] = vars(twin)["__init__"]
    become = object.__setattr__

    @wraps(cls.__init__)
    def quickly(self: object, *given: object, **named: object) -> None:
        become(self, "__class__", twin)
        fill(self, *given, **named)
        self.__class__ = cls

    cls.__init__ = quickly  # type: ignore[method-assign] # the point of it
    cls.__init_subclass__ = _no_heirs  # type: ignore[method-assign] # it never returns
    return cls


def _again(known: Field[Any]) -> tuple[str, Any, Any]:
    """Describe a field once more: its name and its default are all the twin needs."""
    if known.default_factory is not MISSING:
        return known.name, object, field(default_factory=known.default_factory)
    return known.name, object, field(default=known.default)


def _no_heirs() -> Never:
    raise TypeError("a quick value has no heirs")
