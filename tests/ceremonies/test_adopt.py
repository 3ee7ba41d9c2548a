"""A factor that a login sets up by itself, and what a subject may have at once, on such terms."""

import asyncio
import base64
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.ceremonies.stage import HERE, another, code
from twofold.ceremonies import admin_factors, adopt, enrol, login, prove, sessions, step_up, wishes
from twofold.ceremonies.finish import finish
from twofold.ceremonies.outcomes import Granted, Pending, Revealed
from twofold.core.errors import (
    CeremonyConsumed,
    CodeRejected,
    InvalidCredentials,
    InvalidToken,
    NotAllowed,
    NotPossible,
    StaleSecurityState,
    Throttled,
    TooManySessions,
)
from twofold.core.policy import Enforcement, Lifetime, Policy
from twofold.core.terms import DIALECT, NATIVE, Terms
from twofold.core.throttle import Limits
from twofold.core.types import Aal, Binding, Transport

THERE = replace(HERE, client=f"{DIALECT}play", transport=Transport.COOKIE)
TERMS = Terms(admins_alike=True, adopts="totp", issuer="Play", newest_only=True, ceremony_life=30)


@pytest.fixture
def under(stage):
    """The stage's engine on the terms of a dialect."""

    def make(**changes):
        return stage.engine.under(replace(TERMS, **changes))

    return make


async def wanting(stage, name="alice"):
    """Somebody who wants a second step and has nothing for it yet."""
    person = await stage.person(name, totp=False)
    await wishes.switch(stage.engine, HERE, "operator", name, on=True)
    return person


async def begins(engine, person, context=THERE):
    return await login.begin(
        engine, context, identifier=person.subject.name, answer=person.password
    )


def key_of(revealed):
    text = parse_qs(urlsplit(str(revealed.secrets["uri"])).query)["secret"][0]
    return base64.b32decode(text + "=" * (-len(text) % 8))


async def test_a_login_shows_a_factor_and_the_first_right_answer_binds_it(stage, under):
    engine, person = under(), await wanting(stage)

    revealed = await begins(engine, person)
    assert isinstance(revealed, Revealed)
    assert str(revealed.secrets["uri"]).startswith("otpauth://totp/Play:alice%40example.org?")
    granted = await finish(
        engine, revealed.pending.ticket, code(key_of(revealed), stage.clock.now()), THERE
    )

    assert isinstance(granted, Granted)
    assert granted.session.aal is Aal.TWO
    view = await stage.view(person)
    [held] = [a for a in view.authenticators if a.kind == "totp"]
    assert (held.state, held.preferred, held.id) == (Binding.ACTIVE, True, granted.authenticator)
    assert view.subject.attributes == {}
    assert await stage.mailed("factor-added")
    assert [e for e in await stage.events(person) if e.startswith("enrol")] == [
        "enrol.begun",
        "enrol.confirmed",
    ]


async def test_a_pending_factor_proves_nothing_and_asks_for_nothing(stage, under):
    engine, person = under(), await wanting(stage)
    await begins(engine, person)

    outcome = await stage.begins(person)

    assert isinstance(outcome, Pending)
    assert outcome.choices == ()
    with pytest.raises(NotPossible):
        await prove.prove(stage.engine, outcome.ticket, "123456", HERE)


async def test_its_ticket_is_for_finishing_only(stage, under):
    engine, person = under(), await wanting(stage)
    revealed = await begins(engine, person)

    with pytest.raises(NotPossible):
        await prove.prove(engine, revealed.pending.ticket, "123456", THERE)
    with pytest.raises(NotAllowed):
        await enrol.confirm(engine, revealed.pending.ticket, "123456", THERE)


async def test_many_logins_at_once_show_one_and_the_same_factor(stage, under):
    engine, person = under(), await wanting(stage)

    shown = await asyncio.gather(*(begins(engine, person) for _ in range(5)))

    assert len({key_of(revealed) for revealed in shown}) == 1
    view = await stage.view(person)
    assert [a.kind for a in view.authenticators].count("totp") == 1


async def test_of_many_right_answers_at_once_one_opens_one_session(stage, under):
    engine, person = under(), await wanting(stage)
    revealed = await begins(engine, person)
    right = code(key_of(revealed), stage.clock.now())

    found = await asyncio.gather(
        *(finish(engine, revealed.pending.ticket, right, THERE) for _ in range(6))
    )

    assert len({granted.session.id for granted in found}) == 1
    assert len(await stage.sessions(person)) == 1


async def test_another_answer_after_the_right_one_is_not_judged(stage, under):
    engine, person = under(), await wanting(stage)
    revealed = await begins(engine, person)
    right = code(key_of(revealed), stage.clock.now())
    await finish(engine, revealed.pending.ticket, right, THERE)

    with pytest.raises(CeremonyConsumed):
        await finish(engine, revealed.pending.ticket, another(right), THERE)


async def test_a_wrong_answer_is_counted_and_the_fifth_ends_the_login(stage, under):
    engine, person = under(), await wanting(stage)
    revealed = await begins(engine, person)
    right = code(key_of(revealed), stage.clock.now())

    for left in (4, 3, 2, 1, 0):
        with pytest.raises(CodeRejected) as refused:
            await finish(engine, revealed.pending.ticket, another(right), THERE)
        assert refused.value.attempts_left == left
    with pytest.raises(CeremonyConsumed):
        await finish(engine, revealed.pending.ticket, right, THERE)


async def test_a_factor_that_was_reset_meanwhile_is_not_bound(stage, under):
    engine, person = under(), await wanting(stage)
    revealed = await begins(engine, person)
    right = code(key_of(revealed), stage.clock.now())
    await admin_factors.reset_factors(stage.engine, HERE, "operator", "alice")

    with pytest.raises(StaleSecurityState):
        await finish(engine, revealed.pending.ticket, right, THERE)
    assert not [a for a in (await stage.view(person)).authenticators if a.kind == "totp"]


async def test_a_factor_that_is_gone_without_a_change_is_not_bound_either(stage, under):
    engine, person = under(), await wanting(stage)
    revealed = await begins(engine, person)
    view = await stage.view(person)
    pending = adopt.of_kind(view, "totp")
    from twofold.core.effects import Unbind

    await stage.store.commit(Unbind(view.subject.id, pending.id))

    with pytest.raises(StaleSecurityState):
        await finish(engine, revealed.pending.ticket, "123456", THERE)


async def test_what_may_not_be_bound_is_not_shown(stage, under):
    engine, person = under(), await wanting(stage)
    await stage.policy(kinds=["email"])

    with pytest.raises(NotAllowed):
        await begins(engine, person)


async def test_a_newer_login_ends_the_one_before_it(stage, under):
    engine, person = under(), await stage.person()
    old, new = await begins(engine, person), await begins(engine, person)

    with pytest.raises(CeremonyConsumed):
        await finish(engine, old.ticket, stage.code(person), THERE)
    stage.clock.pass_(1)
    assert isinstance(await finish(engine, new.ticket, stage.code(person), THERE), Granted)


async def test_unlocking_ends_no_pending_login(stage, under):
    engine, person = under(), await stage.person()
    begun = await begins(engine, person)

    await admin_factors.unlock(stage.engine, HERE, "operator", "alice")

    assert isinstance(await finish(engine, begun.ticket, stage.code(person), THERE), Granted)


async def test_unlocking_the_password_leaves_wrong_codes_counted(stage, under):
    engine, person = under(passwords=Limits(absolute=3, allowed=3)), await stage.person()
    begun = await begins(engine, person)
    with pytest.raises(CodeRejected):
        await finish(engine, begun.ticket, another(stage.code(person)), THERE)
    with pytest.raises(InvalidCredentials):
        await login.begin(engine, THERE, identifier="alice", answer="wrong")

    scopes = await admin_factors.unlock(
        stage.engine, HERE, "operator", "alice", passwords_only=True
    )

    assert scopes == ("kind:password",)
    assert (await stage.tally(person, "kind:totp")).streak == 1


async def test_a_lock_of_the_password_is_said_to_whoever_knows_it(stage, under):
    engine, person = under(passwords=Limits(absolute=3, allowed=3)), await stage.person()
    begun = await begins(engine, person)
    for _ in range(2):
        with pytest.raises(InvalidCredentials):
            await login.begin(engine, THERE, identifier="alice", answer="wrong")
    for answer in ("wrong", person.password):
        with pytest.raises(Throttled):
            await login.begin(engine, THERE, identifier="alice", answer=answer)
    engine.gate.forget("name:alice")

    with pytest.raises(InvalidCredentials):
        await login.begin(engine, THERE, identifier="alice", answer="wrong")
    engine.gate.forget("name:alice")
    with pytest.raises(Throttled):
        await begins(engine, person)
    with pytest.raises(CeremonyConsumed):
        await finish(engine, begun.ticket, stage.code(person), THERE)


async def test_sessions_are_opened_up_to_their_number_and_ended_ones_do_not_count(stage, under):
    engine, person = under(most_sessions=1), await stage.person(totp=False)
    first = await begins(engine, person)
    await stage.logs_in(person)

    with pytest.raises(TooManySessions):
        await begins(engine, person)
    stage.clock.pass_(first.session.idle)
    assert isinstance(await begins(engine, person), Granted)


async def test_a_session_of_a_dialect_is_good_there_only(stage, under):
    engine, person = under(), await stage.person(totp=False)
    theirs = (await begins(engine, person)).tokens.session
    ours = (await stage.logs_in(person, replace(THERE, client=""))).tokens.session
    native = replace(THERE, client="")

    assert (await sessions.authenticate(engine, theirs, "session", THERE)).subject
    assert (await sessions.authenticate(engine, ours, "session", native)).subject
    for token, context in ((theirs, native), (ours, THERE)):
        with pytest.raises(InvalidToken):
            await sessions.authenticate(engine, token, "session", context)


async def test_a_refresh_token_may_be_dead_at_once(stage, under):
    context = replace(THERE, transport=Transport.JSON)
    engine, person = under(refresh_once=True), await stage.person(totp=False)
    granted = await begins(engine, person, context)

    renewed = await sessions.refresh(engine, granted.tokens.refresh, context)

    with pytest.raises(InvalidToken):
        await sessions.refresh(engine, granted.tokens.refresh, context)
    assert await sessions.refresh(engine, renewed.tokens.refresh, context)


async def test_a_code_is_sent_only_where_terms_let_it(stage, under):
    person = await stage.person(totp=False, mailed=True)

    assert (await begins(under(asks_at_once=False), person)).ceremony.asked is None
    assert (await begins(under(), person)).ceremony.asked == person.mailed


async def test_a_window_of_its_own_holds_for_bound_and_pending_factors(stage, under):
    person = await stage.person()
    stage.clock.pass_(300)
    ahead = under(window=(0, 1))
    begun = await begins(ahead, person)
    assert await finish(ahead, begun.ticket, stage.code(person, steps=1), THERE)

    begun = await begins(under(window=(0, 0)), person)
    stage.clock.pass_(90)
    with pytest.raises(Exception, match="expired"):
        await finish(under(window=(0, 0)), begun.ticket, stage.code(person), THERE)


async def test_whoever_takes_two_steps_where_they_are_demanded_wants_them(stage, under):
    person = await stage.person()
    await wishes.switch(stage.engine, HERE, "operator", "alice", on=False)
    assert isinstance(await begins(under(), person), Granted)
    await stage.policy(enforcement="required")

    begun = await begins(under(), person)
    await finish(under(), begun.ticket, stage.code(person), THERE)

    assert (await stage.view(person)).subject.attributes == {}


async def test_a_wish_that_changes_nothing_writes_nothing(stage):
    person = await stage.person()
    commits = stage.store.commits

    await wishes.switch(stage.engine, HERE, "operator", "alice", on=True)
    plain = await stage.person("bob", totp=False)
    commits = stage.store.commits
    await wishes.switch(stage.engine, HERE, "operator", "bob", on=False)
    await wishes.begin_anew(stage.engine, HERE, "operator", "bob")

    assert stage.store.commits == commits
    assert person.subject.id != plain.subject.id


async def test_beginning_anew_takes_recovery_codes_along(stage):
    person = await stage.person()
    made, _ = await enrol.recovery_set(
        stage.engine, person.subject, stage.engine.draw(), stage.clock.now()
    )
    await stage.store.commit(*made)

    await wishes.begin_anew(stage.engine, HERE, "operator", "alice")

    assert [a.kind for a in (await stage.view(person)).authenticators] == ["password"]
    standing = await wishes.standing(stage.engine, person.subject.realm, "alice")
    assert (standing.wished, standing.confirmed) == (True, False)


async def test_what_a_dialect_knows_of_its_user_stands_beside_the_wish(stage):
    person = await wanting(stage)

    await wishes.describe(stage.engine, HERE, "operator", "alice", {"locale": "de"})

    attributes = (await stage.view(person)).subject.attributes
    assert attributes["locale"] == "de"
    assert (await wishes.standing(stage.engine, person.subject.realm, "alice")).wished


async def test_a_subject_of_its_own_wish_may_weaken_itself_with_fresh_proof(stage):
    person = await stage.person()
    bearer = await stage.bearer(person)
    await wishes.require_own(stage.engine, bearer)
    await wishes.require_proved(stage.engine, bearer)

    await stage.policy(enforcement="required")
    with pytest.raises(NotAllowed):
        await wishes.require_own(stage.engine, bearer)
    stage.clock.pass_(400)
    with pytest.raises(step_up.StepUpRequired):
        await wishes.require_proved(stage.engine, bearer)


def test_the_realms_own_terms_change_nothing():
    policy = Policy()

    assert NATIVE.applied(policy) is policy


def test_terms_change_what_they_name():
    life = Lifetime(idle=1, absolute=2)
    terms = Terms(
        sessions=life, access_life=3, registration=True, guesses_per_ceremony=9, admins_alike=True
    )

    found = terms.applied(Policy(enforcement=Enforcement.OPTIONAL))

    assert set(found.sessions.values()) == {life}
    assert (found.access_life, found.registration, found.guesses_per_ceremony) == (3, True, 9)
    assert found.admins is Enforcement.OPTIONAL
    assert found.enrolment_life == Policy().enrolment_life
