"""Quick values mean what the ordinary frozen dataclass means."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError, asdict, dataclass, field, fields, replace

import pytest

from twofold.core.values import quick


@dataclass(frozen=True, slots=True)
class Plain:
    a: int
    b: tuple[int, ...] = ()
    c: dict[str, int] = field(default_factory=dict)
    d: str = field(default="shown", repr=False)


@quick
@dataclass(frozen=True, slots=True)
class Quick:
    a: int
    b: tuple[int, ...] = ()
    c: dict[str, int] = field(default_factory=dict)
    d: str = field(default="shown", repr=False)


CALLS = [
    ((1,), {}),
    ((1, (2,)), {}),
    ((), {"a": 1, "d": "x"}),
    ((1, (2,), {"k": 3}, "x"), {}),
    ((1,), {"c": {"k": 3}}),
]


@pytest.mark.parametrize(("positional", "named"), CALLS)
def test_it_holds_what_the_ordinary_one_would_hold(positional, named) -> None:
    plain, made = Plain(*positional, **named), Quick(*positional, **named)

    assert [getattr(made, name) for name in "abcd"] == [getattr(plain, name) for name in "abcd"]
    assert repr(made).removeprefix("Quick") == repr(plain).removeprefix("Plain")


@pytest.mark.parametrize(
    ("positional", "named"), [((), {}), ((1, 2, 3, 4, 5), {}), ((1,), {"e": 1}), ((1,), {"a": 1})]
)
def test_it_refuses_the_arguments_the_ordinary_one_refuses(positional, named) -> None:
    for kind in (Plain, Quick):
        with pytest.raises(TypeError):
            kind(*positional, **named)


def test_nothing_can_be_changed_or_added_once_it_is_made() -> None:
    made = Quick(1)

    with pytest.raises(FrozenInstanceError):
        made.a = 2
    with pytest.raises(FrozenInstanceError):
        del made.a
    with pytest.raises((AttributeError, TypeError)):
        made.other = 2


def test_it_is_of_its_own_class_and_compares_like_any_other_value() -> None:
    made = Quick(1, d="x")

    assert isinstance(made, Quick)
    assert made == Quick(1, d="x") != Quick(1)
    assert replace(made, a=2) == Quick(2, d="x")
    assert copy.deepcopy(made) == made == pickle.loads(pickle.dumps(made))  # noqa: S301 -- our own
    assert asdict(made) == {"a": 1, "b": (), "c": {}, "d": "x"}
    assert [f.repr for f in fields(made)] == [True, True, True, False]


def test_it_matches_the_patterns_of_its_class() -> None:
    match Quick(1, (2,)):
        case Quick(a, b=(second,)):
            assert (a, second) == (1, 2)
        case _:
            pytest.fail("no match")


def test_it_keeps_its_methods_and_its_hash() -> None:
    @quick
    @dataclass(frozen=True, slots=True)
    class Sum:
        a: int
        b: int

        @property
        def both(self) -> int:
            return self.a + self.b

    assert Sum(1, 2).both == 3
    assert len({Sum(1, 2), Sum(a=1, b=2), Sum(2, 1)}) == 2


def test_each_value_has_a_default_of_its_own() -> None:
    assert Quick(1).c is not Quick(1).c


def test_a_class_that_needs_more_than_its_fields_is_refused() -> None:
    @dataclass(frozen=True, slots=True)
    class Checked:
        a: int

        def __post_init__(self) -> None:
            raise ValueError

    with pytest.raises(TypeError):
        quick(Checked)
    with pytest.raises(TypeError):

        class Heir(Quick):
            pass
