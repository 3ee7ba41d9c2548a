"""A body is read in one way only, and says no more about itself than which field was wrong."""

import json
from contextlib import suppress
from enum import StrEnum
from typing import Annotated, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twofold.core.errors import Malformed
from twofold.web.bodies import (
    FORM,
    JSON,
    WrongMediaType,
    convert,
    expect_media_type,
    parse_form,
    parse_json,
)


class Colour(StrEnum):
    RED = "red"


class Inner(msgspec.Struct, forbid_unknown_fields=True):
    number: int


class Body(msgspec.Struct, forbid_unknown_fields=True):
    code: Annotated[str, msgspec.Meta(max_length=6)]
    inner: Inner | None = None
    many: list[Inner] = []
    colour: Colour = Colour.RED
    kind: Literal["totp", "email"] = "totp"
    names: dict[str, int] = {}
    on: bool = False


REFUSED = {
    "nothing": b"",
    "blanks only": b" \n",
    "a duplicate key": b'{"code":"1","code":"2"}',
    "a duplicate key, spelled in another way": b'{"code":"1","\\u0063ode":"2"}',
    "a duplicate key further in": b'{"a":[{"b":1,"b":1}]}',
    "NaN": b'{"a":NaN}',
    "Infinity": b'{"a":Infinity}',
    "minus Infinity": b'{"a":-Infinity}',
    "infinity by another name": b'{"a":1e999}',
    "5,000 digits": b'{"a":' + b"9" * 5000 + b"}",
    "one more than 64 bits": b"9223372036854775808",
    "one less than 64 bits": b"-9223372036854775809",
    "a fraction without end": b"0." + b"1" * 5000,
    "half of a pair": b'{"a":"\\ud800"}',
    "half of a pair as a key": b'{"\\udc00":1}',
    "half of a pair in a list": b'["\\ud800"]',
    "the other half first": b'"\\udc00\\ud800"',
    "a NUL": b'{"a":"\\u0000"}',
    "a raw NUL": b'{"a":"\x00"}',
    "a raw line feed": b'{"a":"\n"}',
    "something behind it": b'{"a":1} x',
    "another value behind it": b"{}{}",
    "a comment": b'{"a":1 /* one */}',
    "a trailing comma": b'{"a":1,}',
    "a leading zero": b"01",
    "a plus sign": b"+1",
    "a full-width digit": "１".encode(),
    "single quotes": b"{'a':1}",
    "a byte order mark": b'\xef\xbb\xbf{"a":1}',
    "UTF-16": '{"a":1}'.encode("utf-16"),
    "UTF-16 without mark": '{"a":1}'.encode("utf-16-le"),
    "UTF-32": '{"a":1}'.encode("utf-32-be"),
    "Latin-1": '{"a":"ü"}'.encode("latin-1"),
    "an overlong slash": b'{"a":"\xc0\xaf"}',
    "a raw half of a pair": b'{"a":"\xed\xa0\x80"}',
    "100,000 brackets": b"[" * 100_000,
    "100,000 brackets behind an open quote": b'"' + b"[" * 100_000,
    "100,000 braces": b'{"a":' * 100_000,
    "33 levels": b"[" * 33 + b"]" * 33,
    "33 levels among strings": b'["[",' * 33 + b"1" + b"]" * 33,
    "33 levels among escapes": b'["\\\\",' * 33 + b"1" + b"]" * 33,
}


@pytest.mark.parametrize("raw", REFUSED.values(), ids=REFUSED.keys())
def test_what_could_be_read_in_two_ways_is_refused(raw):
    with pytest.raises(Malformed):
        parse_json(raw)


READ = {
    "32 levels": (b"[" * 32 + b"]" * 32, None),
    "brackets in strings": (json.dumps({"a": "[" * 500 + '"' + "]"}).encode(), None),
    "many short lists": (json.dumps([[]] * 5000).encode(), None),
    "a whole pair": (b'"\\ud83d\\ude00"', "\U0001f600"),
    "the largest": (b"9223372036854775807", 2**63 - 1),
    "the smallest": (b"-9223372036854775808", -(2**63)),
    "blanks around": (b' \t\r\n{"a": 1.5}\n', {"a": 1.5}),
    "one key in two objects": (b'[{"a":1},{"a":2}]', [{"a": 1}, {"a": 2}]),
    "null": (b"null", None),
}


@pytest.mark.parametrize(("raw", "value"), READ.values(), ids=READ.keys())
def test_everything_else_is_read_as_it_stands(raw, value):
    read = parse_json(raw)
    assert read == (json.loads(raw) if value is None else value)


plain = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | plain,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(plain, inner, max_size=4),
    max_leaves=12,
)


@given(values, st.booleans())
def test_whatever_json_can_say_once_comes_back(value, ascii_only):
    assert parse_json(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@given(st.binary(max_size=200))
def test_no_bytes_end_in_anything_but_a_value_or_malformed(raw):
    with suppress(Malformed):
        parse_json(raw)


WRONG = [
    ({}, "code", "code is missing."),
    ({"code": "1", "x": 2}, "x", "x is not known here."),
    ({"code": 1}, "code", "code is wrong: expected `str`, got `int`."),
    ({"code": None}, "code", "code is wrong: expected `str`, got `null`."),
    ({"code": True}, "code", "code is wrong: expected `str`, got `bool`."),
    ({"code": 123456.0}, "code", "code is wrong: expected `str`, got `float`."),
    ({"code": []}, "code", "code is wrong: expected `str`, got `array`."),
    ({"code": {}}, "code", "code is wrong: expected `str`, got `object`."),
    ({"code": "1234567"}, "code", "code is wrong: expected `str` of length <= 6."),
    ({"code": "1", "on": 1}, "on", "on is wrong: expected `bool`, got `int`."),
    ({"code": "1", "inner": {}}, "inner.number", "inner.number is missing."),
    ({"code": "1", "inner": {"number": 1, "y": 1}}, "inner.y", "inner.y is not known here."),
    (
        {"code": "1", "inner": {"number": 1.0}},
        "inner.number",
        "inner.number is wrong: expected `int`, got `float`.",
    ),
    (
        {"code": "1", "many": [{"number": 1}, {"number": "s3cret"}]},
        "many[1].number",
        "many[1].number is wrong: expected `int`, got `str`.",
    ),
    ({"code": "1", "colour": "s3cret"}, "colour", "colour is wrong."),
    ({"code": "1", "kind": "s3cret"}, "kind", "kind is wrong."),
    (
        {"code": "1", "names": {"s3cret": "x"}},
        "names[...]",
        "names[...] is wrong: expected `int`, got `str`.",
    ),
    ({"code": "1", "s3cret `\n": 1}, None, "A field is not known here."),
    ({"code": "1", "s" * 200: 1}, None, "A field is not known here."),
    ([], None, "The body is wrong: expected `object`, got `array`."),
    (None, None, "The body is wrong: expected `object`, got `null`."),
]


@pytest.mark.parametrize(("value", "field", "words"), WRONG)
def test_a_wrong_field_is_named_and_its_content_is_not(value, field, words):
    with pytest.raises(Malformed) as refused:
        convert(value, Body)
    assert (refused.value.field, refused.value.detail) == (field, words)
    assert "s3cret" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_the_parsers_own_words_are_kept_from_the_answer():
    with pytest.raises(Malformed) as refused:
        parse_json(b'{"password": s3cret}')
    assert "s3cret" not in refused.value.detail
    assert refused.value.__cause__ is None


def test_a_right_body_becomes_its_struct():
    body = convert(parse_json(b'{"code":"123456","many":[{"number":7}]}'), Body)
    assert body == Body("123456", many=[Inner(7)])


COSTLY = (b"[" * 65536, b'["' * 32768, b'{"a":[' * 10922, b'"\\u0000' + b"x" * 65000 + b'"')


@pytest.mark.parametrize("raw", COSTLY, ids=range(len(COSTLY)))
def test_the_costliest_bodies_are_refused_like_any_other(raw):
    with pytest.raises(Malformed):
        parse_json(raw)


FORMS = [
    (b"", {}),
    (b"a=1&b=2", {"a": "1", "b": "2"}),
    (b"a=", {"a": ""}),
    (b"name=J%C3%BCrgen+M", {"name": "Jürgen M"}),
    (b"a=1;b=2", {"a": "1;b=2"}),
    (b"a=%5Bx%5D", {"a": "[x]"}),
]


@pytest.mark.parametrize(("raw", "fields"), FORMS)
def test_a_form_is_read(raw, fields):
    assert parse_form(raw) == fields


BAD_FORMS = {
    "a name twice": b"code=1&code=2",
    "a name twice, spelled in another way": b"code=1&%63ode=2",
    "no equals sign": b"code",
    "nothing between": b"a=1&&b=2",
    "an open end": b"a=1&",
    "broken UTF-8": b"a=%ff",
    "raw bytes": "a=ü".encode(),
    "a NUL": b"a=%00",
    "a NUL in a name": b"%00=a",
    "too many": b"&".join(b"a%d=1" % n for n in range(65)),
}


@pytest.mark.parametrize("raw", BAD_FORMS.values(), ids=BAD_FORMS.keys())
def test_a_form_that_could_be_read_in_two_ways_is_refused(raw):
    with pytest.raises(Malformed):
        parse_form(raw)


@given(st.binary(max_size=100))
def test_no_bytes_end_in_anything_but_fields_or_malformed(raw):
    with suppress(Malformed):
        parse_form(raw)


@pytest.mark.parametrize(
    "given_type",
    [
        "application/json",
        "Application/JSON",
        "application/json;charset=utf-8",
        'application/json ; charset="UTF-8"',
    ],
)
def test_json_in_utf8_is_expected(given_type):
    expect_media_type(given_type, JSON)


@pytest.mark.parametrize(
    "given_type",
    [
        None,
        "",
        "text/plain",
        "text/plain; application/json",
        "application/jsonx",
        "application/json, application/json",
        "application/json; charset=utf-16",
        "application/json; charset=utf-8; charset=utf-16",
        "application/json;",
        "multipart/form-data; boundary=x",
        FORM,
    ],
)
def test_another_media_type_is_refused(given_type):
    with pytest.raises(WrongMediaType) as refused:
        expect_media_type(given_type, JSON)
    assert refused.value.accepts == JSON
