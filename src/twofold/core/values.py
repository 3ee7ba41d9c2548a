"""Frozen values that cost no more to make than values that are not.

A frozen dataclass sets each field through ``object.__setattr__``, which costs several times as much
as an ordinary assignment; a login makes some thirty values of two to twenty fields, and paid a
sixth of its time for that. Here a value is filled in while it is open, by the ordinary ``__init__``
of a dataclass that is not frozen, and closes, frozen for good, before anybody else has seen it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, Field, FrozenInstanceError, field, fields, make_dataclass
from types import MemberDescriptorType
from typing import Any, Never, TypeVar

Value = TypeVar("Value")

_NEW = frozenset({"__init__", "__setattr__", "__delattr__", "__slots__", "__dict__"})
"""What an open class does not take over from the frozen one."""


def quick(cls: type[Value]) -> type[Value]:
    """Return the class of a frozen dataclass with slots, in a form that is quicker to make.

    Every field is one of ``__init__``, there is no ``__post_init__``, no ``super()``, and nothing
    inherits from it. A value is an instance of the class, though not of that class directly.
    """
    known: tuple[Field[Any], ...] = fields(cls)  # type: ignore[arg-type] # that is what it is for
    if hasattr(cls, "__post_init__") or not all(f.init and not f.kw_only for f in known):
        raise TypeError(f"{cls.__name__} needs the ordinary __init__")
    kept = {
        name: thing
        for name, thing in vars(cls).items()
        if name not in _NEW and not isinstance(thing, MemberDescriptorType)
    }

    def close(self: object) -> None:
        self.__class__ = closed

    opened: Any = make_dataclass(
        cls.__name__,
        [_again(f) for f in known],
        namespace={**kept, "__post_init__": close},
        eq=False, repr=False, match_args=False, slots=True,
    )  # fmt: skip
    opened.__dataclass_fields__ = kept["__dataclass_fields__"]
    closed = _closed(opened, tuple([f.name for f in known]))
    opened.__init_subclass__ = _no_heirs
    return opened  # type: ignore[no-any-return] # it is the same class, only quicker


def _again(known: Field[Any]) -> tuple[str, Any, Any]:
    """Describe a field once more: its name and its default are all that ``__init__`` needs."""
    if known.default_factory is not MISSING:
        return known.name, object, field(default_factory=known.default_factory)
    return known.name, object, field(default=known.default)


def _closed(opened: Callable[..., Any], names: tuple[str, ...]) -> type:
    """Return the class that values are of once they are made; making one goes by the open class."""

    def new(_: type, *given: object, **named: object) -> object:
        return opened(*given, **named)

    def reduce(self: object) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return opened, tuple([getattr(self, name) for name in names])

    kind: Any = opened
    return type(
        kind.__name__,
        (kind,),
        {
            "__slots__": (),
            "__module__": kind.__module__,
            "__qualname__": kind.__qualname__,
            "__new__": new,
            "__init__": lambda *_, **__: None,
            "__setattr__": _refuse,
            "__delattr__": _refuse,
            "__reduce__": reduce,
        },
    )


def _refuse(_: object, name: str, *_value: object) -> Never:
    raise FrozenInstanceError(f"cannot change field {name!r}")


def _no_heirs() -> Never:
    raise TypeError("a quick value has no heirs")
