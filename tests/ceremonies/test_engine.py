from dataclasses import replace

import pytest

from tests.ceremonies.stage import HERE
from twofold.ceremonies import grants
from twofold.core.ceremony import Ceremony, Kind, State
from twofold.core.errors import CeremonyConsumed, CeremonyExpired, Malformed, Unsealable
from twofold.core.policy import Policy
from twofold.core.types import DEFAULT_REALM, Document
from twofold.factors import Asked


def nobodys(stage):
    now = stage.clock.now()
    return Ceremony(
        jti="a" * 32,
        kind=Kind.LOGIN,
        realm=DEFAULT_REALM,
        client="",
        state=State.SECOND_FACTOR,
        started_at=now,
        expires_at=now + 1_000_000,
    )


async def test_a_ceremony_of_nobody_leads_nowhere(stage):
    with pytest.raises(CeremonyExpired):
        await stage.engine.look(nobodys(stage))
    with pytest.raises(CeremonyConsumed):
        grants.new_session(stage.engine, nobodys(stage), Policy(), HERE, "", stage.clock.now())


async def test_a_ticket_shows_nothing_and_comes_back_as_it_was(stage):
    ceremony = nobodys(stage)

    ticket = stage.engine.ticket(ceremony)

    assert stage.engine.ceremony(ticket, HERE, stage.clock.now()) == ceremony
    assert "second_factor" not in ticket


async def test_a_secret_is_sealed_for_its_row_and_no_other(stage):
    alice, bob = await stage.person(), await stage.person("bob")
    (hers,) = [a for a in (await stage.view(alice)).authenticators if a.kind == "totp"]
    (his,) = [a for a in (await stage.view(bob)).authenticators if a.kind == "totp"]
    assert stage.engine.held(hers).secret == alice.secret
    assert alice.secret not in hers.sealed

    with pytest.raises(Unsealable):
        stage.engine.held(replace(his, sealed=hers.sealed))


async def test_a_realm_without_a_policy_has_that_of_the_settings(stage):
    assert stage.engine.policy(None) is stage.engine.rules.policy
    own = Document(DEFAULT_REALM, "policy", "realm", '{"fresh": 60}')
    assert stage.engine.policy(own).fresh == 60


async def test_nobody_is_written_to_at_an_address_that_is_not_proved(stage):
    erin = await stage.person("erin", totp=False, email_verified=False)
    engine, now = stage.engine, stage.clock.now()
    subject = (await stage.view(erin)).subject

    assert engine.letter(now, subject, "password-changed", {}) == ()
    (sent,) = engine.letter(now, subject, "verify-address", {"code": "c"}, to=subject.email)
    assert sent.to == "erin@example.org"
    assert sent.expires_at == now + 86_400 * 1_000_000
    with pytest.raises(Malformed):
        engine.letter(now, subject, "verify-address", {"code": "c"}, to="a\r\nBcc: b")


async def test_a_challenge_that_sends_nothing_queues_nothing(stage):
    alice = await stage.person()

    now = stage.clock.now()
    assert stage.engine.delivery(now, alice.subject, alice.totp, Asked(), {"link": "x"}) == ()


async def test_an_answer_that_is_no_text_is_told_from_another(stage):
    engine, ceremony = stage.engine, nobodys(stage)

    one = grants._mark(engine, ceremony, {"id": "1", "type": "public-key"})
    same = grants._mark(engine, ceremony, {"type": "public-key", "id": "1"})
    other = grants._mark(engine, ceremony, {"id": "2", "type": "public-key"})

    assert one == same != other
