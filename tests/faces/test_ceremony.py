"""`/v1/ceremony`: each step of each ceremony, and what it refuses."""

import pytest

from tests.faces.house import PASSWORD, secret_of, totp
from twofold.core.networks import parse_networks
from twofold.core.policy import Enforcement, Policy

REQUIRED = Policy(enforcement=Enforcement.REQUIRED)


async def test_a_password_alone_opens_a_session_where_nothing_more_is_asked(kept):
    await kept.add("carol")
    client = kept.client()

    answer = await client.start("carol")

    assert answer.status == 200
    assert answer.json["state"] == "done"
    assert answer.json["actions"] == []
    result = answer.json["result"]
    assert result["session"]["acr"] == "urn:twofold:aal1"
    assert result["session"]["amr"] == ["pwd"]
    assert result["tokens"]["token_type"] == "Bearer"
    assert result["tokens"]["expires_in"] == 900
    assert "recovery_codes" not in result
    assert (await client.get("/v1/session")).json["name"] == "carol"


async def test_a_second_factor_is_asked_for_and_then_opens_the_session(kept):
    await kept.add("alice", "totp", "recovery")
    client = kept.client()

    begun = await client.start("alice")

    assert begun.status == 200
    assert begun.json["state"] == "second_factor"
    assert begun.json["kind"] == "login"
    assert begun.json["attempts_left"] == 5
    assert begun.json["recovery_codes"] is True
    assert [factor["kind"] for factor in begun.json["factors"]] == ["totp"]
    assert begun.rels() == ["verify", "recovery", "cancel"]
    assert begun.json["expires_at"] == kept.clock.now() // 1_000_000 + 300
    assert begun.cookies() == {}

    done = await client.verify(kept.code("alice"))

    assert done.json["state"] == "done"
    assert done.json["result"]["session"]["amr"] == ["pwd", "otp", "mfa"]
    assert done.json["result"]["session"]["acr"] == "urn:twofold:aal2"


async def test_name_and_password_may_come_later(house):
    await house.add("alice", "totp")
    client = house.client()

    empty = await client.post("/v1/ceremony", {})

    assert empty.json["state"] == "first_factor"
    assert empty.json["methods"] == ["password", "passkey"]
    assert empty.json["actions"][0]["input"] == ["identifier", "password"]

    body = {"identifier": "alice", "password": PASSWORD}
    proved = await client.post("/v1/ceremony/first-factor", body)

    assert proved.json["state"] == "second_factor"


async def test_only_the_password_is_asked_for_when_the_name_is_known(house):
    await house.add("carol")
    client = house.client()

    begun = await client.post("/v1/ceremony", {"identifier": "carol"})

    assert begun.json["actions"][0]["input"] == ["password"]
    done = await client.post("/v1/ceremony/first-factor", {"password": PASSWORD})
    assert done.json["state"] == "done"


async def test_a_wrong_code_is_told_with_what_is_left_and_the_ticket_stays_good(kept):
    await kept.add("alice", "totp")
    client = kept.client()
    await client.start("alice")

    wrong = await client.verify(kept.wrong("alice"))

    assert wrong.status == 422
    assert wrong.code == "code-rejected"
    assert wrong.json["attempts_left"] == 4
    assert (await client.verify(kept.code("alice"))).json["state"] == "done"


async def test_too_many_wrong_codes_end_the_ceremony(house):
    await house.add("alice", "totp")
    client = house.client()
    await client.start("alice")
    for _ in range(5):
        await client.verify(house.wrong("alice"))

    answer = await client.verify(house.code("alice"))

    assert (answer.status, answer.code) == (409, "ceremony-consumed")
    assert answer.json["actions"][0]["rel"] == "start"


async def test_wrong_codes_over_many_ceremonies_block_the_factor(house):
    await house.add("alice", "totp")
    for _ in range(2):
        client = house.client()
        await client.start("alice")
        for _ in range(5):
            await client.verify(house.wrong("alice"))

    fresh = house.client(peer="192.0.2.99")
    await fresh.start("alice")
    answer = await fresh.verify(house.code("alice"))

    assert (answer.status, answer.code) == (429, "factor-blocked")
    assert int(answer.header("retry-after")) == answer.json["retry_after"] > 0


async def test_a_code_is_good_once_over_two_ceremonies(kept):
    await kept.add("alice", "totp")
    first, second = kept.client(), kept.client()
    await first.start("alice")
    await second.start("alice")
    code = kept.code("alice")
    await first.verify(code)

    answer = await second.verify(code)

    assert (answer.status, answer.code) == (422, "code-already-used")


async def test_a_retry_of_a_lost_answer_gets_the_very_same_session(kept):
    await kept.add("alice", "totp")
    client = kept.client()
    await client.start("alice")
    ticket, code = client.ticket, kept.code("alice")
    first = await client.verify(code)

    again = await client.verify(code, ceremony=ticket)

    assert again.json["result"] == first.json["result"]
    other = await client.verify(kept.wrong("alice"), ceremony=ticket)
    assert (other.status, other.code) == (409, "ceremony-consumed")


async def test_a_recovery_code_signs_in_once_and_says_what_is_left(kept):
    await kept.add("alice", "totp", "recovery")
    code = kept.secrets["alice", "recovery"][0]
    client = kept.client()
    await client.start("alice")

    done = await client.post("/v1/ceremony/verify", {"recovery_code": code.upper()})

    assert done.json["result"]["session"]["amr"] == ["pwd", "otp", "rc"]
    assert "replace-lost-factor" in done.json["result"]["notices"]
    again = kept.client()
    await again.start("alice")
    spent = await again.post("/v1/ceremony/verify", {"recovery_code": code})
    assert (spent.status, spent.code) == (422, "code-rejected")


async def test_a_mailed_code_is_sent_with_the_password_and_answers_the_challenge(kept):
    await kept.add("dave", "email")
    client = kept.client()

    begun = await client.start("dave")

    assert begun.json["state"] == "challenge"
    assert begun.json["channel_hint"] == "d***@e***.org"
    assert begun.json["factor"] == begun.json["factors"][0]["id"]
    assert begun.json["factors"][0]["needs_challenge"] is True
    assert begun.rels() == ["verify", "challenge", "cancel"]
    assert begun.json["actions"][1]["send"] == {"factor": begun.json["factor"]}
    mailed = await kept.mailed()
    done = await client.verify(mailed["code"])
    assert done.json["result"]["session"]["acr"] == "urn:twofold:aal1"
    assert done.json["result"]["session"]["amr"] == ["pwd", "otp", "email"]


async def test_another_code_is_refused_within_the_cool_down_and_the_first_stays_good(kept):
    await kept.add("dave", "email")
    client = kept.client()
    await client.start("dave")
    mailed = await kept.mailed()

    refused = await client.post("/v1/ceremony/challenge", {})

    assert (refused.status, refused.code) == (429, "cooldown-active")
    assert refused.json["resend_at"] == kept.clock.now() // 1_000_000 + 60
    assert refused.header("retry-after") == "60"
    assert (await client.verify(mailed["code"])).json["state"] == "done"


async def test_another_code_may_be_sent_after_the_cool_down(house):
    await house.add("dave", "email")
    client = house.client()
    begun = await client.start("dave")
    old = await house.mailed()
    house.clock.forward(61)

    sent = await client.post("/v1/ceremony/challenge", {"factor": begun.json["factor"]})

    assert sent.json["state"] == "challenge"
    assert (await client.verify(old["code"])).code == "code-rejected"
    new = await house.mailed()
    assert (await client.verify(new["code"])).json["state"] == "done"


async def test_whoever_has_an_app_and_a_mailbox_may_choose(house):
    await house.add("erin", "totp", "email", "recovery")
    client = house.client()
    begun = await client.start("erin")
    mailbox = next(f["id"] for f in begun.json["factors"] if f["kind"] == "email")
    assert begun.rels() == ["verify", "challenge", "recovery", "cancel"]

    sent = await client.post("/v1/ceremony/challenge", {"factor": mailbox})

    app = next(f["id"] for f in begun.json["factors"] if f["kind"] == "totp")
    aimed = [action for action in sent.json["actions"] if action.get("for") == app]
    assert aimed[0]["send"] == {"factor": app}
    done = await client.verify(house.code("erin"), factor=app)
    assert done.json["result"]["session"]["acr"] == "urn:twofold:aal2"


async def test_a_code_cannot_be_sent_by_what_shows_codes_itself(house):
    await house.add("alice", "totp")
    client = house.client()
    await client.start("alice")

    answer = await client.post("/v1/ceremony/challenge", {})

    assert (answer.status, answer.code) == (404, "not-enrolled")


async def test_reading_the_state_repeats_no_secret(house):
    await house.add("carol")
    client = house.client()
    await client.start("carol")
    shown = await client.post("/v1/factors", {"kind": "totp"})
    assert shown.json["secret"]

    read = await client.get("/v1/ceremony")

    assert read.json["state"] == "enroll_confirm"
    assert read.json["factor_kind"] == "totp"
    assert not {"secret", "otpauth_uri", "qr_svg", "qr_png", "secret_groups"} & read.json.keys()
    assert shown.json["secret"] not in read.text


async def test_a_cancelled_ceremony_is_over(house):
    await house.add("alice", "totp")
    client = house.client()
    await client.start("alice")

    cancelled = await client.delete("/v1/ceremony")

    assert (cancelled.status, cancelled.body) == (204, b"")
    answer = await client.verify(house.code("alice"))
    assert (answer.status, answer.code) == (409, "ceremony-consumed")


async def test_a_ceremony_ends_with_its_time(house):
    await house.add("alice", "totp")
    client = house.client()
    await client.start("alice")
    house.clock.forward(301)

    answer = await client.verify(house.code("alice"))

    assert (answer.status, answer.code) == (410, "ceremony-expired")
    action = answer.json["actions"][0]
    assert (action["rel"], action["method"], action["href"]) == ("start", "POST", "/v1/ceremony")


@pytest.mark.parametrize("path", ["first-factor", "enroll", "confirm", "skip"])
async def test_a_step_out_of_order_is_refused_and_changes_nothing(house, path):
    await house.add("alice", "totp")
    client = house.client()
    await client.start("alice")
    bodies = {
        "first-factor": {"password": PASSWORD},
        "enroll": {"kind": "totp"},
        "confirm": {"code": "123456"},
        "skip": {},
    }

    answer = await client.post(f"/v1/ceremony/{path}", bodies[path])

    assert (answer.status, answer.code) == (409, "action-not-possible")
    assert (await client.verify(house.code("alice"))).json["state"] == "done"


async def test_a_demanded_enrolment_shows_a_secret_and_ends_with_recovery_codes(build):
    house = build(policy=REQUIRED)
    await house.add("carol")
    client = house.client()

    begun = await client.start("carol")

    assert begun.json["state"] == "enroll"
    assert begun.json["allowed_kinds"] == ["totp", "email", "webauthn"]
    assert begun.rels() == ["enroll", "enroll", "enroll", "cancel"]
    assert "result" not in begun.json
    shown = await client.post("/v1/ceremony/enroll", {"kind": "totp", "label": "Phone"})
    assert shown.json["state"] == "enroll_confirm"
    assert shown.json["secret_groups"].replace(" ", "") == shown.json["secret"]
    assert shown.json["qr_svg"].startswith("<svg ")
    assert "qr_png" not in shown.json
    secret = secret_of(shown.json["otpauth_uri"])
    done = await client.post("/v1/ceremony/confirm", {"code": totp(secret, house.clock.now())})
    assert done.json["result"]["session"]["acr"] == "urn:twofold:aal2"
    assert len(done.json["result"]["recovery_codes"]) == 10
    listed = await client.get("/v1/factors")
    assert listed.json["factors"][0]["label"] == "Phone"
    assert listed.json["factors"][0]["id"] == done.json["result"]["factor"]


@pytest.mark.parametrize(
    ("qr", "there", "absent"),
    [("svg", "qr_svg", "qr_png"), ("png", "qr_png", "qr_svg")],
)
async def test_the_picture_comes_in_the_form_that_was_asked_for(house, qr, there, absent):
    await house.add("carol")
    client = house.client()
    await client.start("carol")

    shown = await client.post("/v1/factors", {"kind": "totp", "qr": qr})

    assert there in shown.json
    assert absent not in shown.json


async def test_no_picture_is_drawn_for_whoever_wants_none(house):
    await house.add("carol")
    client = house.client()
    await client.start("carol")

    shown = await client.post("/v1/factors", {"kind": "totp", "qr": "none"})

    assert not {"qr_svg", "qr_png"} & shown.json.keys()
    assert shown.json["otpauth_uri"].startswith("otpauth://totp/")


async def test_a_wrong_code_confirms_nothing(house):
    await house.add("carol")
    client = house.client()
    await client.start("carol")
    await client.post("/v1/factors", {"kind": "totp"})

    answer = await client.post("/v1/ceremony/confirm", {"code": "000000"})

    assert answer.status == 422
    assert (await client.get("/v1/factors")).json["factors"] == []


async def test_a_kind_that_may_not_be_bound_is_refused(house):
    await house.add("carol")
    client = house.client()
    await client.start("carol")

    answer = await client.post("/v1/factors", {"kind": "abacus"})

    assert (answer.status, answer.code) == (403, "not-allowed-by-policy")


async def test_a_mailbox_is_bound_with_the_code_it_was_sent(house):
    await house.add("carol")
    client = house.client()
    await client.start("carol")

    begun = await client.post("/v1/factors", {"kind": "email"})

    assert begun.json["channel_hint"] == "c***@e***.org"
    assert "secret" not in begun.json
    mailed = await house.mailed()
    done = await client.post("/v1/ceremony/confirm", {"code": mailed["code"]})
    assert done.json["state"] == "done"


async def test_an_enrolment_may_be_put_off_while_the_policy_is_patient(build):
    house = build(policy=Policy(enforcement=Enforcement.REQUIRED, grace=3_600))
    await house.add("carol")
    client = house.client()

    begun = await client.start("carol")

    assert begun.rels() == ["enroll", "enroll", "enroll", "skip", "cancel"]
    assert begun.json["skippable_until"] == house.clock.now() // 1_000_000 + 3_600
    done = await client.post("/v1/ceremony/skip")
    assert done.json["result"]["session"]["acr"] == "urn:twofold:aal1"


async def test_more_can_be_demanded_at_the_start_and_no_less(house):
    await house.add("carol")

    answer = await house.client().start("carol", require={"acr": "aal2"})

    assert answer.json["state"] == "enroll"


async def test_a_level_that_nobody_knows_is_refused_by_name(house):
    answer = await house.client().start("carol", require={"acr": "aal9"})

    assert (answer.status, answer.code) == (400, "malformed")
    assert answer.json["field"] == "require.acr"


async def test_what_policy_cannot_grant_is_refused(house):
    await house.add("dave", "email")

    answer = await house.client().start("dave", require={"acr": "urn:twofold:aal3"})

    assert (answer.status, answer.code) == (403, "not-allowed-by-policy")


async def test_a_trusted_network_spares_the_second_step_and_says_so(build):
    trusted = Policy(trusted_networks=parse_networks("192.0.2.0/24"))
    house = build(policy=trusted)
    await house.add("alice", "totp")

    answer = await house.client().start("alice")

    session = answer.json["result"]["session"]
    assert (session["acr"], session["amr"]) == ("urn:twofold:aal1", ["pwd", "rba"])


async def test_a_step_up_replaces_the_session_with_a_stronger_one(house):
    await house.add("alice", "totp")
    client = house.client()
    await client.start("alice")
    await client.verify(house.code("alice"))
    old = client.token
    house.clock.forward(600)

    begun = await client.post("/v1/ceremony", {"kind": "stepup", "require": {"max_age": 60}})

    assert (begun.json["kind"], begun.json["state"]) == ("stepup", "second_factor")
    done = await client.verify(house.code("alice"))
    assert done.json["result"]["session"]["auth_time"] == house.clock.now() // 1_000_000
    stale = house.client()
    stale.token = old
    assert (await stale.get("/v1/session")).code == "invalid-token"


async def test_a_step_up_without_a_second_factor_asks_for_the_password(house):
    await house.add("carol")
    client = house.client()
    await client.start("carol")

    begun = await client.post("/v1/ceremony", {"kind": "stepup"})

    assert begun.json["state"] == "first_factor"
    assert begun.json["actions"][0]["input"] == ["password"]
    done = await client.post("/v1/ceremony/first-factor", {"password": PASSWORD})
    assert done.json["state"] == "done"


@pytest.mark.parametrize("kind", ["stepup", "enroll"])
async def test_what_begins_in_a_session_needs_one(house, kind):
    answer = await house.client().post("/v1/ceremony", {"kind": kind})

    assert (answer.status, answer.code) == (401, "invalid-token")


@pytest.mark.parametrize("field", ["identifier", "password"])
async def test_a_session_says_who_it_is_and_no_name_does(house, field):
    await house.add("alice", "totp")
    client = house.client()

    answer = await client.post("/v1/ceremony", {"kind": "stepup", field: "bob"})

    assert (answer.status, answer.code) == (400, "malformed")


async def test_a_full_queue_for_hashes_asks_to_come_back(house, monkeypatch):
    await house.add("carol")
    house.pool.queue_limit = house.pool.workers = 0

    answer = await house.client().start("carol")

    assert (answer.status, answer.code) == (503, "overloaded")
    assert answer.header("retry-after") == "1"


async def test_a_source_that_guesses_many_passwords_is_slowed_down(house):
    for number in range(50):
        await house.client().start(f"nobody{number}")

    answer = await house.client().start("somebody")

    assert (answer.status, answer.code) == (429, "rate-limited")
    assert int(answer.header("retry-after")) > 0
    assert (await house.client(peer="198.51.100.1").start("somebody")).status == 422


async def test_changed_factors_end_a_login_that_only_knew_the_password(house):
    alice = await house.add("alice", "totp")
    pending, owner = house.client(), house.client()
    await pending.start("alice")
    await owner.start("alice")
    await owner.verify(house.code("alice"))
    await owner.post("/v1/recovery-codes")
    house.next_step()

    answer = await pending.verify(house.code("alice"))

    assert (answer.status, answer.code) == (409, "stale-security-state")
    assert alice.epoch == 0


@pytest.mark.parametrize("body", [{}, {"code": "123456", "recovery_code": "abcd"}])
async def test_an_answer_is_a_code_or_a_recovery_code(house, body):
    await house.add("alice", "totp", "recovery")
    client = house.client()
    await client.start("alice")

    answer = await client.post("/v1/ceremony/verify", body)

    assert (answer.status, answer.code, answer.json["field"]) == (400, "malformed", "code")


async def test_a_step_up_travels_as_its_session_does(house):
    await house.add("carol")
    client = house.client()
    await client.start("carol")

    answer = await client.post("/v1/ceremony", {"kind": "stepup", "transport": "cookie"})

    assert (answer.status, answer.code) == (400, "mixed-credentials")


async def test_a_lost_answer_shows_the_recovery_codes_again(kept):
    await kept.add("carol")
    client = kept.client()
    await client.start("carol")
    shown = await client.post("/v1/factors", {"kind": "totp"})
    ticket = client.ticket
    code = totp(secret_of(shown.json["otpauth_uri"]), kept.clock.now())
    first = await client.post("/v1/ceremony/confirm", {"code": code})

    again = await client.post("/v1/ceremony/confirm", {"code": code, "ceremony": ticket})

    assert again.json["result"]["recovery_codes"] == first.json["result"]["recovery_codes"]
    assert again.json["result"]["tokens"] == first.json["result"]["tokens"]
