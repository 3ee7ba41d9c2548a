"""The factor ``webauthn``: what is asked, what is kept, and one wrong thing at a time.

The mutations walk through the checks of WebAuthn L3 sections 7.1 and 7.2; fido2 is the second
opinion on what a right answer is.
"""

import base64
import hashlib
import itertools
import json
from dataclasses import replace

import pytest
from fido2 import cbor
from fido2.cose import CoseKey
from fido2.server import Fido2Server
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticatorData,
    PublicKeyCredentialRpEntity,
)

from tests.factors.bindings import ALICE, BOB, CEREMONY, NOW, bind, later, seed, spend
from tests.factors.passkeys import (
    FACTOR,
    OPEN,
    ORIGIN,
    PARTY,
    created,
    enrolled,
    invitation,
    options,
)
from tests.support.authenticator import (
    BE,
    BS,
    EDDSA,
    ES256,
    RS256,
    UP,
    UV,
    Passkey,
    b64,
    unb64,
)
from twofold.core.effects import Advance
from twofold.core.errors import Malformed, Misconfigured, NotPossible
from twofold.core.policy import Proven, level
from twofold.core.types import Aal, Category
from twofold.factors import Proof, Wish, Wrong
from twofold.factors import _webauthn as door
from twofold.factors._webauthn import Party, Refused
from twofold.factors.webauthn import REGRESSED, WebAuthn

ALGORITHMS = pytest.mark.parametrize("alg", [ES256, EDDSA, RS256])
STRICT = WebAuthn(PARTY, "required")


def hint(verdict):
    assert isinstance(verdict, Wrong), verdict
    return verdict.hint


def answered(passkey, held, *, factor=FACTOR, ceremony=CEREMONY, now=NOW, **wrong):
    """The verdict on a browser's answer to a challenge for this authenticator."""
    asked = options(factor, held, ceremony=ceremony, now=now)
    return factor.verify(held, ceremony, passkey.get(asked, **wrong), now)


def test_a_kind_is_possession_until_its_holder_is_verified():
    assert (FACTOR.amr, FACTOR.aal, FACTOR.category) == (
        ("pop", "user"), Aal.TWO, Category.POSSESSION,
    )  # fmt: skip


def test_all_faults_of_the_settings_are_told_at_once():
    with pytest.raises(Misconfigured) as caught:
        WebAuthn(Party("login.example", "x", ()), life=1)

    assert caught.value.faults == (
        "webauthn: life is 1, not 30 to 600",
        "webauthn: origins: there is none",
    )


@pytest.mark.parametrize("wish", [Wish(secret=b"k" * 32), Wish(parameters={"address": "x"})])
def test_nothing_is_imported(wish):
    with pytest.raises(Malformed, match="by itself"):
        FACTOR.bind(ALICE, wish, seed(), NOW)


@pytest.mark.parametrize("host", ["192.0.2.7", "2001:db8::1"])
def test_a_server_without_a_name_says_that_it_makes_no_passkeys(host):
    factor = WebAuthn(Party(host, "x", ("https://192.0.2.7",)))

    with pytest.raises(NotPossible, match="host name"):
        factor.bind(ALICE, Wish(), seed(), NOW)


# --- What is asked ---


def test_the_options_to_create_are_what_the_standard_asks_for():
    held, _ = bind(FACTOR)
    other = Passkey(ORIGIN)
    _, bound = enrolled(passkey=other, number=2)

    asked = options(FACTOR, replace(held, kin=(bound.authenticator,)))

    challenge = asked.pop("challenge")
    assert len(unb64(challenge)) == 40
    assert asked == {
        "rp": {"id": "login.example", "name": "Twofold"},
        "user": {"id": b64(b"\xaa" * 16), "name": "alice", "displayName": "alice"},
        "pubKeyCredParams": [
            {"type": "public-key", "alg": -7},
            {"type": "public-key", "alg": -8},
            {"type": "public-key", "alg": -257},
        ],
        "timeout": 300_000,
        "excludeCredentials": [
            {"type": "public-key", "id": b64(other.id), "transports": ["hybrid", "internal"]}
        ],
        "authenticatorSelection": {
            "residentKey": "preferred",
            "requireResidentKey": False,
            "userVerification": "preferred",
        },
        "attestation": "none",
    }
    json.dumps(asked)


def test_one_challenge_is_for_all_of_a_subjects_passkeys():
    first, held = enrolled()
    second, other = enrolled(number=2)

    asked = options(STRICT, replace(held, kin=(other.authenticator,)))

    assert [entry["id"] for entry in asked["allowCredentials"]] == [b64(first.id), b64(second.id)]
    assert (asked["rpId"], asked["userVerification"]) == ("login.example", "required")


def test_an_invitation_names_nobody_and_wants_the_key_unlocked():
    asked = invitation()

    asked.pop("challenge")
    assert asked == {
        "timeout": 300_000,
        "rpId": "login.example",
        "allowCredentials": [],
        "userVerification": "required",
    }


def test_nothing_is_stored_or_sent_for_a_challenge():
    _, held = enrolled()

    asked = FACTOR.ask(ALICE, held, CEREMONY, seed(), NOW)

    assert (asked.items, asked.parameters, asked.deliver, asked.resend_at) == (None,) * 4
    assert asked.expires_at == later(300)


def test_a_challenge_is_later_than_the_last_one_spent_even_where_clocks_differ():
    passkey, held = enrolled()
    ahead = spend(held, answered(passkey, held, now=later(10)))

    assert isinstance(answered(passkey, ahead, now=NOW), Proof)


# --- What is kept ---


@ALGORITHMS
def test_a_set_up_keeps_the_public_key_and_what_the_authenticator_told(alg):
    passkey = Passkey(ORIGIN, alg=alg)
    draft, proof = created(FACTOR, passkey)

    row = draft.authenticator
    moment = int.from_bytes(unb64(options(FACTOR, draft)["challenge"])[:8], "big")
    assert proof.spend == Advance(row.subject, row.id, mark=moment, at=NOW)
    assert cbor.decode(proof.renew) == passkey.cose
    assert proof.parameters == {
        "credential": b64(passkey.id),
        "count": 0,
        "aaguid": "08987058-cadc-4b81-b6e1-30de50dcbe96",
        "transports": "hybrid internal",
        "synced": 1,
        "backed_up": 1,
        "verified": 1,
    }
    assert (proof.note, proof.signal) == ("count=0 verified=1", "")


def test_a_new_key_may_have_signed_its_own_attestation():
    _, proof = created(FACTOR, Passkey(ORIGIN), self_attested=True)

    assert isinstance(proof, Proof)


def test_ways_to_reach_an_authenticator_that_nobody_knows_are_dropped():
    _, odd = created(FACTOR, Passkey(ORIGIN), response={"transports": ["usb", "telepathy", 7]})
    _, none = created(FACTOR, Passkey(ORIGIN), response={"transports": "usb"})

    assert (odd.parameters["transports"], none.parameters["transports"]) == ("usb", "")


@ALGORITHMS
@pytest.mark.parametrize("counts", [True, False])
def test_a_right_answer_spends_the_moment_it_was_asked_for(alg, counts):
    passkey, held = enrolled(passkey=Passkey(ORIGIN, alg=alg, counts=counts))

    for minute in (1, 2, 3):
        now = later(60 * minute)
        proof = answered(passkey, held, now=now)
        row = held.authenticator
        assert proof.spend == Advance(row.subject, row.id, mark=now, at=now)
        assert proof.signal == ""
        held = spend(held, proof)
    assert held.authenticator.parameters["count"] == (3 if counts else 0)


def test_parameters_that_did_not_change_are_not_written_again():
    passkey, held = enrolled()

    assert answered(passkey, held).parameters is None


def test_another_library_takes_what_we_take():
    server = Fido2Server(
        PublicKeyCredentialRpEntity(id=PARTY.id, name="x"), verify_origin=lambda o: o == ORIGIN
    )
    passkey, held = enrolled()
    asked = options(FACTOR, held)
    answer = passkey.get(asked)
    attested = AttestedCredentialData.create(
        b"\0" * 16, passkey.id, CoseKey.parse(cbor.decode(held.secret))
    )
    state = {"challenge": asked["challenge"], "user_verification": "required"}

    assert server.authenticate_complete(state, [attested], answer) is attested
    assert isinstance(FACTOR.verify(held, CEREMONY, answer, NOW), Proof)
    assert AuthenticatorData(unb64(answer["response"]["authenticatorData"])).is_user_verified()


# --- What it proves ---

CASES = [
    (True, True, "swk", Category.MULTI_FACTOR, Aal.TWO),
    (True, False, "swk", Category.POSSESSION, Aal.ONE),
    (False, True, "hwk", Category.MULTI_FACTOR, Aal.TWO),
    (False, False, "hwk", Category.POSSESSION, Aal.ONE),
]


@pytest.mark.parametrize(("synced", "unlocks", "held_by", "category", "alone"), CASES)
def test_what_a_passkey_proves_is_said_as_it_is(synced, unlocks, held_by, category, alone):
    passkey, held = enrolled(passkey=Passkey(ORIGIN, synced=synced, unlocks=unlocks))
    proof = answered(passkey, held)
    proven = Proven("webauthn", proof.amr, FACTOR.aal, proof.category, NOW)
    password = Proven("password", ("pwd",), Aal.ONE, Category.KNOWLEDGE, NOW, first=True)

    assert (proof.amr, proof.category) == ((held_by, "pop", "user"), category)
    assert level([proven]) is alone
    assert level([password, proven]) is Aal.TWO


def test_a_first_pin_counts_only_once_something_else_was_proved_along_with_it():
    passkey, held = enrolled(passkey=Passkey(ORIGIN, unlocks=False))
    passkey.unlocks = True

    alone = FACTOR.verify(held, OPEN, passkey.get(invitation()), NOW)
    beside = answered(passkey, held)
    held = spend(held, beside)
    later_on = FACTOR.verify(held, OPEN, passkey.get(invitation(now=later(60))), later(60))

    assert hint(alone) == "unverified"
    assert (beside.category, beside.parameters["verified"]) == (Category.POSSESSION, 1)
    assert later_on.category is Category.MULTI_FACTOR


# --- The counter ---

COUNTERS = [(0, 0, False), (0, 5, False), (5, 6, False), (5, 5, True), (5, 4, True), (5, 0, True)]


@pytest.mark.parametrize(("stood", "says", "odd"), COUNTERS)
def test_a_counter_that_does_not_rise_is_a_signal_and_no_lock_out(stood, says, odd):
    passkey, held = enrolled(passkey=Passkey(ORIGIN, count=stood))

    proof = answered(passkey, held, count=says)

    assert isinstance(proof, Proof)
    assert proof.signal == (REGRESSED if odd else "")
    assert proof.note.startswith(f"count={says} ")


# --- Once ---


def test_an_answer_is_good_once_and_kills_the_older_challenges():
    passkey, held = enrolled()
    earlier = passkey.get(options(FACTOR, held, now=NOW))
    answer = passkey.get(options(FACTOR, held, now=later(5)))

    held = spend(held, FACTOR.verify(held, CEREMONY, answer, later(6)))

    assert hint(FACTOR.verify(held, CEREMONY, answer, later(7))) == "replayed"
    assert hint(FACTOR.verify(held, CEREMONY, earlier, later(7))) == "replayed"


def test_the_answer_that_bound_a_key_does_not_bind_it_again_nor_sign_in():
    passkey = Passkey(ORIGIN)
    draft, _ = bind(FACTOR)
    answer = passkey.create(options(FACTOR, draft))
    held = spend(draft, FACTOR.verify(draft, CEREMONY, answer, NOW))

    assert hint(FACTOR.verify(held, CEREMONY, answer, NOW)) == "other-ceremony"


def test_what_a_bound_key_signed_does_not_bind_a_draft():
    passkey, held = enrolled()
    draft, _ = bind(FACTOR)

    verdict = FACTOR.verify(draft, CEREMONY, passkey.get(options(FACTOR, held)), NOW)

    assert hint(verdict) == "other-ceremony"


@pytest.mark.parametrize(("after", "verdict"), [(0, Proof), (300, Proof), (301, Wrong)])
def test_a_challenge_lives_as_long_as_it_is_said_to(after, verdict):
    passkey, held = enrolled()
    answer = passkey.get(options(FACTOR, held))

    assert isinstance(FACTOR.verify(held, CEREMONY, answer, later(after)), verdict)


@pytest.mark.parametrize("ceremony", ["login.00", "stepup.0123456789abcdef", OPEN, "verify.app"])
def test_a_challenge_of_another_ceremony_is_not_ours(ceremony):
    passkey, held = enrolled()
    answer = passkey.get(options(FACTOR, held))

    assert hint(FACTOR.verify(held, ceremony, answer, NOW)) == "other-ceremony"


def test_a_challenge_answers_under_every_key_still_in_use_and_under_no_other():
    passkey, held = enrolled()
    newer = hashlib.sha256(b"a newer key").digest()
    answer = passkey.get(options(FACTOR, held))

    rotated = replace(held, mac_keys=(newer, *held.mac_keys))
    gone = replace(held, mac_keys=(newer,))

    assert isinstance(FACTOR.verify(rotated, CEREMONY, answer, NOW), Proof)
    assert hint(FACTOR.verify(gone, CEREMONY, answer, NOW)) == "other-ceremony"


# --- Whose ---


def test_a_credential_is_bound_to_a_subject_once():
    passkey, held = enrolled()

    _, verdict = created(FACTOR, passkey, number=2, kin=(held.authenticator,))

    assert hint(verdict) == "already-bound"


def test_a_credential_that_was_not_asked_for_is_refused():
    _, held = enrolled()
    other, _ = enrolled(number=2)

    assert hint(answered(other, held)) == "mismatch"


def test_a_right_signature_under_the_id_of_another_credential_is_refused():
    passkey, held = enrolled()
    other = b64(b"another credential")

    assert hint(answered(passkey, held, outer={"id": other, "rawId": other})) == "mismatch"


def test_a_challenge_for_one_subject_is_none_for_another_with_the_very_same_key():
    passkey, held = enrolled()
    bobs = replace(held, authenticator=replace(held.authenticator, subject=BOB.id))
    answer = passkey.get(options(FACTOR, held), handle=b"")

    assert hint(FACTOR.verify(bobs, CEREMONY, answer, NOW)) == "other-ceremony"


@pytest.mark.parametrize("handle", [b"\xbb" * 16, b"", b"\xaa" * 15])
def test_a_user_handle_of_somebody_else_is_refused_and_none_is_fine(handle):
    passkey, held = enrolled()

    verdict = answered(passkey, held, handle=handle)

    if handle:
        assert hint(verdict) == "mismatch"
    else:
        assert isinstance(verdict, Proof)


def test_whose_an_answer_claims_to_be_is_read_from_its_user_handle():
    passkey, held = enrolled(subject=BOB)
    answer = passkey.get(invitation())

    assert FACTOR.claimed(answer) == BOB.id
    assert FACTOR.answers(held.authenticator, answer)
    assert not FACTOR.answers(enrolled()[1].authenticator, answer)
    assert not FACTOR.answers(bind(FACTOR)[0].authenticator, answer)
    assert not FACTOR.answers(held.authenticator, "a code")


@pytest.mark.parametrize("handle", [None, "", "AAAA", "*", 7, b64(b"x" * 17)])
def test_an_answer_that_does_not_say_whose_it_is_claims_nothing(handle):
    assert FACTOR.claimed({"response": {"userHandle": handle}}) is None
    assert FACTOR.claimed({"response": "none"}) is None
    assert FACTOR.claimed("a password") is None


def test_a_decoy_is_judged_to_the_end_and_never_right():
    passkey, _ = enrolled(subject=BOB)
    answer = passkey.get(invitation())
    secret, parameters = FACTOR.decoy(BOB.id, answer)
    held, _ = bind(FACTOR, subject=BOB)
    nobody = replace(
        held, authenticator=replace(held.authenticator, parameters=parameters), secret=secret
    )

    assert hint(FACTOR.verify(nobody, OPEN, answer, NOW)) == "mismatch"
    # Nothing but the signature is wrong: under the key that made it, the answer is right.
    owner = replace(nobody, secret=enrolled(passkey=passkey, subject=BOB)[1].secret)
    assert isinstance(FACTOR.verify(owner, OPEN, answer, NOW), Proof)
    assert FACTOR.decoy(BOB.id, "a password")[1]["credential"] == "None"


# --- One wrong thing at a time ---

ELSEWHERE = {
    "http": "http://login.example",
    "a sub-domain": "https://evil.login.example",
    "a parent": "https://example",
    "a port": "https://login.example:8443",
    "the default port": "https://login.example:443",
    "a trailing dot": "https://login.example.",
    "upper case": "https://LOGIN.example",
    "a path": "https://login.example/",
    "a look-alike": "https://login.examp1e",
    "null": "null",
    "an app": "android:apk-key-hash:AAAA",
    "a prefix": "https://login.example.evil.example",
}

CLIENTS = {
    **{name: ({"origin": origin}, "other-origin") for name, origin in ELSEWHERE.items()},
    "a list of origins": ({"origin": [ORIGIN]}, "other-origin"),
    "framed by another site": ({"crossOrigin": True}, "other-origin"),
    "framed, said as text": ({"crossOrigin": "false"}, "other-origin"),
    "a top origin": ({"topOrigin": "https://evil.example"}, "other-origin"),
    "our own top origin": ({"topOrigin": ORIGIN}, "other-origin"),
    "another challenge": ({"challenge": b64(b"x" * 40)}, "other-ceremony"),
    "a short challenge": ({"challenge": b64(b"x")}, "other-ceremony"),
    "no challenge": ({"challenge": None}, "malformed"),
    "a challenge with padding": ({"challenge": "AAA="}, "malformed"),
    "no origin": ({"origin": None}, "other-origin"),
    "no type": ({"type": None}, "mismatch"),
    "the type of a payment": ({"type": "payment.get"}, "mismatch"),
}


@pytest.mark.parametrize("name", CLIENTS)
def test_the_browser_must_have_said_exactly_what_it_should(name):
    client, why = CLIENTS[name]
    passkey, held = enrolled()

    assert hint(answered(passkey, held, client=client)) == why
    assert hint(created(FACTOR, Passkey(ORIGIN), client=client)[1]) == why


def test_every_declared_origin_is_ours_and_a_browser_may_leave_the_frame_out():
    passkey, held = enrolled(passkey=Passkey("https://app.login.example"))

    assert isinstance(answered(passkey, held, client={"crossOrigin": None}), Proof)


@pytest.mark.parametrize(("made", "used"), [("create", "get"), ("get", "create")])
def test_creating_and_getting_are_not_mistaken_for_each_other(made, used):
    passkey, held = enrolled()
    kind = {"client": {"type": f"webauthn.{made}"}}

    verdict = (
        answered(passkey, held, **kind)
        if used == "get"
        else created(FACTOR, Passkey(ORIGIN), **kind)[1]
    )

    assert hint(verdict) == "mismatch"


DATA = {
    "another relying party": {"rp_id": "evil.example"},
    "nobody was present": {"flags": UV | BE | BS},
    "a copy of what cannot be copied": {"flags": UP | UV | BS},
}


@pytest.mark.parametrize("name", DATA)
def test_the_authenticator_must_have_said_what_it_should(name):
    passkey, held = enrolled()

    assert hint(answered(passkey, held, **DATA[name])) == "mismatch"
    assert hint(created(FACTOR, Passkey(ORIGIN), **DATA[name])[1]) == "mismatch"


@pytest.mark.parametrize("synced", [True, False])
def test_whether_a_key_may_be_copied_is_settled_when_it_is_made(synced):
    passkey, held = enrolled(passkey=Passkey(ORIGIN, synced=synced))
    passkey.synced = not synced

    assert hint(answered(passkey, held)) == "mismatch"


def test_whether_a_key_was_copied_may_change():
    passkey, held = enrolled()

    assert answered(passkey, held, flags=UP | UV | BE).parameters["backed_up"] == 0


@pytest.mark.parametrize("factor", [FACTOR, STRICT], ids=["preferred", "required"])
def test_an_unlocked_key_is_demanded_where_policy_says_so(factor):
    locked = Passkey(ORIGIN, unlocks=False)
    passkey, held = enrolled()

    made = created(factor, locked)[1]
    used = answered(passkey, held, factor=factor, flags=UP | BE | BS)

    if factor is STRICT:
        assert (hint(made), hint(used)) == ("unverified", "unverified")
    else:
        assert (made.category, used.category) == (Category.POSSESSION, Category.POSSESSION)


def test_another_key_cannot_sign():
    passkey, held = enrolled()

    assert hint(answered(passkey, held, signer=Passkey(ORIGIN).private)) == "mismatch"


STATEMENTS = {
    "unknown": {"fmt": "acme"},
    "demanded of nobody": {"fmt": "fido-u2f"},
    "judged by the time of day": {"fmt": "android-safetynet"},
    "not empty": {"attStmt": {"sig": b"x"}},
    "signed by nobody": {"fmt": "packed", "attStmt": {"alg": -7, "sig": b"x"}},
}


@pytest.mark.parametrize("name", STATEMENTS)
def test_an_attestation_that_cannot_be_checked_is_refused(name):
    _, verdict = created(FACTOR, Passkey(ORIGIN), attestation=STATEMENTS[name])

    assert isinstance(verdict, Wrong)


def test_an_algorithm_that_was_not_offered_is_refused():
    passkey = Passkey(ORIGIN)

    assert hint(created(FACTOR, passkey, cose={**passkey.cose, 3: -35})[1]) == "mismatch"


@pytest.mark.parametrize("size", [1023, 1024])
def test_a_credential_id_is_no_longer_than_the_standard_allows(size):
    _, verdict = created(FACTOR, Passkey(ORIGIN, id=b"x" * size))

    assert isinstance(verdict, Proof if size == 1023 else Wrong)


OUTSIDES = {
    "another id": {"id": b64(b"other")},
    "another raw id": {"rawId": b64(b"other")},
    "another type": {"type": "password"},
    "no response": {"response": None},
}


@pytest.mark.parametrize("name", sorted(OUTSIDES.keys() - {"no response"}))
def test_what_surrounds_an_answer_must_fit_it(name):
    passkey, held = enrolled()

    assert isinstance(answered(passkey, held, outer=OUTSIDES[name]), Wrong)
    assert isinstance(created(FACTOR, Passkey(ORIGIN), outer=OUTSIDES[name])[1], Wrong)


INSIDES = [
    ("clientDataJSON", None), ("clientDataJSON", "*"), ("clientDataJSON", 7),
    ("clientDataJSON", b64(b"[]")), ("clientDataJSON", b64(b"{")), ("clientDataJSON", b64(b"\xff")),
    ("clientDataJSON", b64(b"[" * 100_000)),
    ("authenticatorData", None), ("authenticatorData", b64(b"short")), ("authenticatorData", "*"),
    ("signature", None), ("signature", ""), ("signature", b64(b"\0" * 64)),
    ("attestationObject", None), ("attestationObject", "*"), ("attestationObject", b64(b"\xff")),
    ("attestationObject", b64(b"\x81" * 20_000)),
]  # fmt: skip


@pytest.mark.parametrize(("member", "value"), INSIDES, ids=lambda value: repr(value)[:16])
def test_no_answer_of_any_shape_breaks_it(member, value):
    passkey, held = enrolled()
    inside = {"response": {member: value}}

    if member != "attestationObject":
        assert isinstance(answered(passkey, held, **inside), Wrong)
    if member in {"clientDataJSON", "attestationObject"}:
        assert isinstance(created(FACTOR, Passkey(ORIGIN), **inside)[1], Wrong)
    assert hint(FACTOR.verify(held, CEREMONY, {}, NOW)) == "malformed"
    assert hint(FACTOR.verify(held, CEREMONY, {"response": 1}, NOW)) == "malformed"


SINGLE = {
    "origin": {"client": {"origin": "https://evil.example"}},
    "frame": {"client": {"crossOrigin": True}},
    "type": {"client": {"type": "webauthn.create"}},
    "challenge": {"client": {"challenge": b64(b"y" * 40)}},
    "party": {"rp_id": "evil.example"},
    "presence": {"flags": UV | BE | BS},
    "handle": {"handle": b"\xbb" * 16},
    "signer": {"signer": Passkey(ORIGIN).private},
    "id": {"outer": {"id": b64(b"other"), "rawId": b64(b"other")}},
}


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(SINGLE, 2)))
def test_two_wrongs_make_no_right(one, other):
    passkey, held = enrolled()
    wrong = {**SINGLE[one], **SINGLE[other]}
    if {"client"} <= SINGLE[one].keys() & SINGLE[other].keys():
        wrong["client"] = {**SINGLE[one]["client"], **SINGLE[other]["client"]}

    assert isinstance(answered(passkey, held, **wrong), Wrong)


def test_every_bit_of_what_was_signed_counts():
    passkey, held = enrolled(passkey=Passkey(ORIGIN, alg=EDDSA))
    answer = passkey.get(options(FACTOR, held))

    for member in ("authenticatorData", "signature", "clientDataJSON"):
        raw = bytearray(unb64(answer["response"][member]))
        for place in range(0, len(raw), 7):
            raw[place] ^= 1
            bent = {**answer, "response": {**answer["response"], member: b64(bytes(raw))}}
            raw[place] ^= 1
            assert isinstance(FACTOR.verify(held, CEREMONY, bent, NOW), Wrong), (member, place)


# --- The door ---


@pytest.mark.parametrize("told", [None, True, "verified", {}])
def test_a_library_that_says_yes_in_other_words_is_not_believed(told):
    """The lesson of CVE-2026-46419: a result that nobody looks at is no check."""
    with pytest.raises(Refused, match="mismatch"):
        door._asked_of_library(lambda credential: told, {})


def test_what_the_library_names_must_be_what_the_browser_named():
    answer = {"id": "AAAA", "rawId": "AAAA"}
    key = door.Key(id="BBBB", count=0, synced=False, backed_up=False, verified=True)

    with pytest.raises(Refused, match="mismatch"):
        door._same(key, answer)


def test_base64_has_one_spelling():
    assert base64.urlsafe_b64decode("QQ==") == base64.urlsafe_b64decode("QR==")
    passkey, held = enrolled()
    answer = passkey.get(options(FACTOR, held))
    loose = {**answer, "id": answer["id"] + "=", "rawId": answer["rawId"] + "="}

    assert isinstance(FACTOR.verify(held, CEREMONY, loose, NOW), Wrong)
