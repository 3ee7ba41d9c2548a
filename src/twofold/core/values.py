"""Frozen values that cost no more to make than values that are not.

A frozen dataclass sets each field through ``object.__setattr__``, which costs ten times as much as
an ordinary assignment; a login makes some twenty values of five to twenty fields, and paid a sixth
of its time for that. Here a value is filled in while it is of an open class with the very same
slots, and becomes what it is, frozen for good, before anybody else has seen it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, Field, fields
from typing import Any, Final, Never, TypeVar

Value = TypeVar("Value")

_set: Final = object.__setattr__


def quick(cls: type[Value]) -> type[Value]:
    """Give a frozen dataclass with slots an ``__init__`` of the same meaning that is quicker.

    For classes of three fields or more that are made with every request; below that it is no
    gain. Every field is one of ``__init__``, there is no ``__post_init__``, and nothing inherits
    from it: a value of a class below would become one of this class.
    """
    known: tuple[Field[Any], ...] = fields(cls)  # type: ignore[arg-type] # that is what it is for
    if hasattr(cls, "__post_init__") or not all(
        field.init and not field.kw_only for field in known
    ):
        raise TypeError(f"{cls.__name__} needs the ordinary __init__")
    slow: Callable[..., None] = cls.__init__
    names = [field.name for field in known]
    scope: dict[str, Any] = {
        "_set": _set,
        "_Open": type(cls.__name__, (), {"__slots__": tuple(names)}),
        "_Frozen": cls,
        "_ABSENT": MISSING,
        **{f"_make_{field.name}": field.default_factory for field in known},
    }
    exec("\n".join(_lines(known)), scope)  # noqa: S102 -- as dataclasses does; names of fields only
    made = scope["__init__"]
    made.__defaults__ = tuple(
        MISSING if field.default is MISSING else field.default
        for field in known
        if field.default is not MISSING or field.default_factory is not MISSING
    )
    made.__annotations__ = slow.__annotations__
    made.__qualname__ = slow.__qualname__
    made.__module__ = cls.__module__
    cls.__init__ = made  # type: ignore[method-assign] # the point of it
    cls.__init_subclass__ = _no_heirs  # type: ignore[method-assign] # it never returns
    return cls


def _no_heirs() -> Never:
    raise TypeError("a quick value has no heirs")


def _lines(known: tuple[Field[Any], ...]) -> list[str]:
    lines = [
        f"def __init__(self, {', '.join(field.name for field in known)}):",
        " _set(self, '__class__', _Open)",
    ]
    for field in known:
        name = field.name
        made = field.default_factory is not MISSING
        value = f"_make_{name}() if {name} is _ABSENT else {name}" if made else name
        lines.append(f" self.{name} = {value}")
    return [*lines, " self.__class__ = _Frozen"]
