"""A reader takes what a setting may be, from JSON, TOML or the environment, and nothing else."""

from enum import StrEnum

import pytest

from twofold.core.errors import Malformed
from twofold.core.fields import Choice, Listed, Nets, Table, Text, Truth, Whole, leaves
from twofold.core.networks import parse_networks


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


NUMBER = Whole(1, 9)
NUMBERS = Listed(NUMBER, least=1, most=3)
TABLE = Table(NUMBER, "name", most=2)


@pytest.mark.parametrize(
    ("reader", "value", "expected"),
    [
        (NUMBER, 1, 1),
        (NUMBER, 9, 9),
        (Truth(), True, True),
        (Text(), "", ""),
        (Text(), "ä b", "ä b"),
        (Text("digits", "[0-9]+"), "12", "12"),
        (Choice(Colour), "red", Colour.RED),
        (Choice(Colour), Colour.BLUE, Colour.BLUE),
        (NUMBERS, [3, 1], (3, 1)),
        (NUMBERS, (3,), (3,)),
        (TABLE, {}, {}),
        (TABLE, {"a": 1, "ä-b.c": 2}, {"a": 1, "ä-b.c": 2}),
        (Nets(), ["10.0.0.0/8"], parse_networks("10.0.0.0/8")),
        (Nets(), "10.0.0.0/8 ::1", parse_networks("10.0.0.0/8 ::1")),
        (Nets(), [], parse_networks("")),
    ],
)
def test_what_may_be_is_taken(reader, value, expected):
    assert reader.read(value) == expected


@pytest.mark.parametrize(
    ("reader", "value"),
    [
        (NUMBER, 0),
        (NUMBER, 10),
        (NUMBER, True),
        (NUMBER, 1.0),
        (NUMBER, "1"),
        (NUMBER, None),
        (Truth(), 1),
        (Truth(), "true"),
        (Text(), 1),
        (Text(), "a\nb"),
        (Text(), "a\x00"),
        (Text(), "a\u2028b"),
        (Text(), "\ud800"),
        (Text(longest=3), "abcd"),
        (Text("digits", "[0-9]+"), "12a"),
        (Choice(Colour), "green"),
        (Choice(Colour), "RED"),
        (Choice(Colour), ["red"]),
        (NUMBERS, []),
        (NUMBERS, [1, 2, 3, 4]),
        (NUMBERS, [1, 1]),
        (NUMBERS, [0]),
        (NUMBERS, "1"),
        (NUMBERS, {"1": 1}),
        (TABLE, []),
        (TABLE, {"a": 1, "b": 2, "c": 3}),
        (TABLE, {"a": 0}),
        (TABLE, {"": 1}),
        (TABLE, {"a b": 1}),
        (TABLE, {"a" * 129: 1}),
        (TABLE, {1: 1}),
        (Nets(), ["10.0.0.0/8", 1]),
        (Nets(), "everywhere"),
        (Nets(), 10),
    ],
)
def test_what_may_not_be_is_refused_in_the_readers_own_words(reader, value):
    with pytest.raises(Malformed) as refused:
        reader.read(value)

    assert refused.value.detail == f"must be {reader.expected}"


@pytest.mark.parametrize(
    ("reader", "text", "expected"),
    [
        (NUMBER, "7", 7),
        (NUMBER, " +7 ", 7),
        (NUMBER, "-7", -7),
        (NUMBER, "7.0", "7.0"),
        (NUMBER, "1_0", "1_0"),
        (NUMBER, "٧", "٧"),
        (NUMBER, "9" * 19, "9" * 19),
        (Truth(), "TRUE", True),
        (Truth(), "false", False),
        (Truth(), "yes", "yes"),
        (Text(), " a ", " a "),
        (Choice(Colour), "red", "red"),
        (NUMBERS, "1, 2,,3", [1, 2, 3]),
        (NUMBERS, "", []),
        (NUMBERS, "[1, 2]", [1, 2]),
        (NUMBERS, "[1, 2", "[1, 2"),
        (TABLE, '{"a": 1}', {"a": 1}),
        (TABLE, "a=1", "a=1"),
        (Nets(), "10.0.0.1", "10.0.0.1"),
    ],
)
def test_text_of_the_environment_becomes_what_may_be_read(reader, text, expected):
    assert reader.text(text) == expected


def test_a_reader_says_what_it_expects():
    assert NUMBER.expected == "a whole number from 1 to 9"
    assert Choice(Colour).expected == "one of red, blue"
    assert NUMBERS.expected == "a list of at least 1 in which each is a whole number from 1 to 9"
    assert Listed(Truth()).expected == "a list in which each is true or false"
    assert TABLE.expected == "a table in which each name has a whole number from 1 to 9"


def test_a_nested_table_is_read_as_deep_as_names_go():
    known = {"a": 1, "b.c": 1, "b.d.e": 1, "t": 1}
    table = {"a": 1, "b": {"c": 2, "d": {"e": 3}, "x": {"y": 4}}, "t": {"free": 5}, "z": {"q": 6}}

    assert dict(leaves(known, table)) == {
        "a": 1,
        "b.c": 2,
        "b.d.e": 3,
        "b.x": {"y": 4},
        "t": {"free": 5},
        "z": {"q": 6},
    }


def test_a_section_that_is_no_table_is_handed_on_whole():
    assert dict(leaves({"b.c": 1}, {"b": 3})) == {"b": 3}
