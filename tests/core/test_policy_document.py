"""A policy travels as a JSON document and back, and says by name what in it cannot be."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twofold.core import policy_document
from twofold.core.errors import Malformed
from twofold.core.networks import parse_networks
from twofold.core.policy import ClientRule, Closing, Enforcement, Lifetime, Policy, Profile
from twofold.core.throttle import Limits
from twofold.core.types import Aal

BASE = Policy()

RICH = Policy(
    enforcement=Enforcement.REQUIRED,
    groups={"staff": Enforcement.REQUIRED},
    clients={"shop": ClientRule(Enforcement.OFF, Aal.TWO, 60), "wiki": ClientRule()},
    trusted_networks=parse_networks("10.0.0.0/8, 2001:db8::/32"),
    kinds=("totp",),
    closing=Closing.ALL,
    registration=True,
    guesses=Limits(allowed=7, window=60, delay=30, longest=60, absolute=50),
    profile=Profile.STRICT,
)


@pytest.mark.parametrize("policy", [BASE, RICH], ids=["default", "rich"])
def test_what_is_written_is_read_back(policy):
    body = json.dumps(policy_document.dump(policy))

    assert policy_document.load(body, BASE) == policy
    assert policy_document.load(body, RICH) == policy


def test_an_empty_document_changes_nothing():
    assert policy_document.load("{}", RICH) == RICH


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"enforcement": "off"}, {"enforcement": Enforcement.OFF}),
        ({"groups": {"a": "off"}}, {"groups": {"a": Enforcement.OFF}}),
        ({"trusted_networks": "10.0.0.1"}, {"trusted_networks": parse_networks("10.0.0.1")}),
        ({"trusted_networks": []}, {"trusted_networks": parse_networks("")}),
        ({"guesses": {"allowed": 9}}, {"guesses": Limits(allowed=9)}),
        ({"kinds": ["email", "totp"]}, {"kinds": ("email", "totp")}),
        (
            {"sessions": {"aal2": {"idle": 60}}},
            {"sessions": {**BASE.sessions, Aal.TWO: Lifetime(idle=60, absolute=86_400)}},
        ),
    ],
)
def test_a_document_overrides_field_by_field(document, expected):
    found = policy_document.merge(document, BASE)

    assert {name: getattr(found, name) for name in expected} == expected
    assert policy_document.merge(policy_document.dump(BASE), found) == BASE


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({"enforcment": "off"}, "enforcment"),
        ({"enforcement": "on"}, "enforcement"),
        ({"enforcement": None}, "enforcement"),
        ({"enforcement": ["off"]}, "enforcement"),
        ({"admins": True}, "admins"),
        ({"groups": {"a": "sometimes"}}, "groups"),
        ({"groups": {"": "off"}}, "groups"),
        ({"groups": {"a b": "off"}}, "groups"),
        ({"groups": ["a"]}, "groups"),
        ({"clients": {"a": {"aal": 4}}}, "clients"),
        ({"clients": {"a": {"level": 1}}}, "clients"),
        ({"clients": {"a": 1}}, "clients"),
        ({"trusted_networks": ["10.0.0.0/0.0.0.255"]}, "trusted_networks"),
        ({"trusted_networks": [167772161]}, "trusted_networks"),
        ({"trusted_networks": 1}, "trusted_networks"),
        ({"kinds": []}, "kinds"),
        ({"kinds": ["TOTP"]}, "kinds"),
        ({"kinds": ["password"]}, "kinds"),
        ({"kinds": ["totp", "totp"]}, "kinds"),
        ({"kinds": ["recovery"]}, "kinds"),
        ({"grace": -1}, "grace"),
        ({"fresh": 0}, "fresh"),
        ({"fresh": 901}, "fresh"),
        ({"fresh": True}, "fresh"),
        ({"fresh": 5.0}, "fresh"),
        ({"fresh": "300"}, "fresh"),
        ({"ceremony_life": 601}, "ceremony_life"),
        ({"ceremony_life": -30}, "ceremony_life"),
        ({"guesses": {"absolute": 101}}, "guesses.absolute"),
        ({"guesses": {"allowed": 4}}, "guesses.allowed"),
        ({"guesses": {"allowed": 50, "absolute": 20}}, "guesses.allowed"),
        ({"guesses": {"delay": 60, "longest": 30}}, "guesses.delay"),
        ({"guesses": {"many": 1}}, "guesses.many"),
        ({"guesses": 5}, "guesses"),
        ({"sessions": {"aal2": {"idle": 90_000}}}, "sessions.aal2.idle"),
        ({"sessions": {"aal4": {"idle": 1}}}, "sessions.aal4"),
        ({"registration": "yes"}, "registration"),
        ({"profile": "lax"}, "profile"),
    ],
)
def test_what_cannot_be_is_refused_by_name(document, field):
    with pytest.raises(Malformed) as refused:
        policy_document.load(json.dumps(document), BASE)

    assert refused.value.field == field
    assert refused.value.detail.startswith(f"{field} ")


@pytest.mark.parametrize(
    "body",
    ["", "[]", "null", "{", '{"fresh": 60, "fresh": 900}', '"x"', "[" * 100_000, '{"a": NaN'],
)
def test_what_is_no_document_is_refused(body):
    with pytest.raises(Malformed):
        policy_document.load(body, BASE)


def test_a_refusal_never_repeats_the_value():
    with pytest.raises(Malformed) as refused:
        policy_document.merge({"enforcement": "hunter2"}, BASE)

    assert "hunter2" not in str(refused.value)


def test_the_same_text_over_another_base_is_another_policy():
    body = '{"fresh": 60}'

    assert policy_document.load(body, BASE).registration is False
    assert policy_document.load(body, RICH).registration is True
    assert policy_document.load(body, BASE).registration is False


def test_a_document_read_again_is_not_built_again():
    body = '{"fresh": 61}'

    assert policy_document.load(body, BASE) is policy_document.load(body, BASE)


def test_each_key_can_be_given_as_text():
    for name, value in policy_document.flat(BASE).items():
        plain = policy_document.plain(value)
        text = ",".join(plain) if isinstance(plain, list) else json.dumps(plain).strip('"')
        reader = policy_document.ENTRIES[name].reader
        assert reader.read(reader.text(text)) == value
    rule = {"aal": 2}
    clients = policy_document.ENTRIES["clients"].reader
    assert clients.read(clients.of.text(rule) and {"shop": rule})["shop"].aal is Aal.TWO


def test_every_field_of_a_policy_has_its_entry():
    top = {name.partition(".")[0] for name in policy_document.ENTRIES}

    assert top == set(Policy.__dataclass_fields__)
    assert all(entry.text.endswith(".") for entry in policy_document.ENTRIES.values())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*policy_document.ENTRIES, "aal2", "x"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*map(str, Policy.__dataclass_fields__)]), JSON))
def test_whatever_comes_is_a_policy_or_malformed(document):
    try:
        found = policy_document.merge(document, BASE)
    except Malformed:
        return
    assert policy_document.merge(policy_document.dump(found), BASE) == found
