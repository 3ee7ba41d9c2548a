"""Tickets open for their purpose, realm and client, whole and unaltered."""

import hashlib

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from twofold.core.encoding import from_base64url
from twofold.core.errors import CeremonyExpired, Malformed
from twofold.core.keyring import Keyring, MasterKey
from twofold.core.tickets import LONGEST_TICKET, open_ticket, seal_ticket
from twofold.core.types import Instant


def ring_of(*numbers):
    return Keyring(
        tuple(
            MasterKey.of(hashlib.sha256(b"ticket %d" % number).digest(), Instant(number))
            for number in numbers
        )
    )


RING = ring_of(1)
NONCE = bytes(12)
PAYLOAD = {"state": "second_factor", "subject": "a" * 32, "proofs": [["password", 1]], "at": 2**52}
TICKET = seal_ticket(RING, "login", "default", "shop", PAYLOAD, NONCE)

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=10,
)
places = st.tuples(st.text(max_size=5), st.text(max_size=5), st.text(max_size=5))


@given(places, st.dictionaries(st.text(max_size=8), values), st.binary(min_size=12, max_size=12))
def test_a_ticket_gives_back_what_was_put_in(place, payload, nonce):
    text = seal_ticket(RING, *place, payload, nonce)
    assert text.startswith("t1.")
    assert open_ticket(RING, *place, text) == payload


@given(places, places)
def test_a_ticket_is_dead_for_another_purpose_realm_or_client(here, there):
    assume(here != there)
    text = seal_ticket(RING, *here, PAYLOAD, NONCE)
    with pytest.raises(CeremonyExpired):
        open_ticket(RING, *there, text)


def test_a_client_name_that_is_no_text_is_only_another_client():
    with pytest.raises(CeremonyExpired):
        open_ticket(RING, "login", "default", "\ud800", TICKET)


def test_neighbouring_names_cannot_be_cut_differently():
    text = seal_ticket(RING, "login", "ab", "c", PAYLOAD, NONCE)
    with pytest.raises(CeremonyExpired):
        open_ticket(RING, "login", "a", "bc", text)


@pytest.mark.parametrize("place", range(len(TICKET)))
def test_any_altered_letter_is_noticed(place):
    for letter in "AQz-_.= ":
        altered = TICKET[:place] + letter + TICKET[place + 1 :]
        if altered != TICKET:
            with pytest.raises(CeremonyExpired):
                open_ticket(RING, "login", "default", "shop", altered)


@pytest.mark.parametrize(
    "text",
    [
        "", "t1.", "t1", TICKET[:-1], TICKET[3:], TICKET + "A", TICKET + "=", TICKET + "\n",
        " " + TICKET, TICKET.replace("t1.", "t2."), TICKET.replace("t1.", "a1."),
        "t1." + "A" * 10_000_000, "t1." + "." * 1000, "é" * 20, "t1.\ud800", "t1." + "A" * 44,
        TICKET + TICKET, TICKET.upper(),
    ],
    ids=range(18),
)  # fmt: skip
def test_what_is_not_exactly_a_ticket_has_expired(text):
    with pytest.raises(CeremonyExpired):
        open_ticket(RING, "login", "default", "shop", text)


def test_nothing_of_the_payload_can_be_read():
    raw = from_base64url(TICKET[3:])
    assert b"second_factor" not in raw
    assert b"a" * 8 not in raw


def test_tickets_outlive_a_rotation_and_die_with_their_key():
    rotated = ring_of(2, 1)
    assert open_ticket(rotated, "login", "default", "shop", TICKET) == PAYLOAD
    newer = seal_ticket(rotated, "login", "default", "shop", PAYLOAD, NONCE)
    with pytest.raises(CeremonyExpired):
        open_ticket(RING, "login", "default", "shop", newer)
    with pytest.raises(CeremonyExpired):
        open_ticket(ring_of(2), "login", "default", "shop", TICKET)


def test_an_enrolment_with_its_recovery_codes_fits():
    payload = {"secret": "A" * 86, "items": [["0" * 97, None]] * 50, "codes": ["abcd-" * 4] * 50}
    text = seal_ticket(RING, "enrol", "default", "", payload, NONCE)
    assert open_ticket(RING, "enrol", "default", "", text) == payload


def test_more_than_can_be_opened_is_never_sealed():
    with pytest.raises(Malformed):
        seal_ticket(RING, "login", "default", "", {"x": "y" * LONGEST_TICKET}, NONCE)


def test_no_number_that_is_none_goes_in():
    with pytest.raises(ValueError, match="JSON"):
        seal_ticket(RING, "login", "default", "", {"x": float("nan")}, NONCE)


def test_the_reason_says_nothing():
    with pytest.raises(CeremonyExpired) as caught:
        open_ticket(RING, "login", "default", "shop", TICKET[:-4])
    assert caught.value.detail == CeremonyExpired.title
