import base64
from dataclasses import replace

import pytest

from tests.ceremonies.stage import HERE, another, code
from twofold.ceremonies import enrol, login, prove, sessions, step_up
from twofold.ceremonies.outcomes import Done, Granted
from twofold.core.ceremony import Ceremony, Kind, State
from twofold.core.errors import (
    CeremonyConsumed,
    CeremonyExpired,
    CodeRejected,
    InvalidToken,
    Malformed,
    NotAllowed,
    NotPossible,
    StaleSecurityState,
    StepUpRequired,
    Throttled,
)
from twofold.core.types import Aal
from twofold.factors import Wish


def secret_of(revealed):
    text = revealed.secrets["secret"]
    return base64.b32decode(text + "=" * (-len(text) % 8))


async def confirms(stage, revealed, answer):
    return await enrol.confirm(stage.engine, revealed.pending.ticket, answer, HERE)


async def binds(stage, ticket, kind="totp", wish=None):
    return await enrol.bind(stage.engine, ticket, kind, HERE, wish)


async def starts(stage, person, kind="totp", wish=None):
    """A set-up from within a fresh session."""
    session = (await stage.logs_in(person)).session
    begun = await enrol.begin(stage.engine, session, HERE)
    return session, await binds(stage, begun.ticket, kind, wish)


async def test_a_first_factor_comes_with_recovery_codes_and_a_higher_session(stage):
    alice = await stage.person(totp=False)
    old, revealed = await starts(stage, alice, wish=Wish(label="Phone"))
    assert revealed.secrets["uri"].startswith("otpauth://totp/Stage:alice%40example.org")

    granted = await confirms(stage, revealed, code(secret_of(revealed), stage.clock.now()))

    assert isinstance(granted, Granted)
    assert len(granted.recovery_codes) == 10
    assert granted.session.aal is Aal.TWO
    assert granted.ended == (old.id,)
    (totp,) = [a for a in (await stage.view(alice)).authenticators if a.kind == "totp"]
    assert (totp.id, totp.label, totp.preferred) == (granted.authenticator, "Phone", True)
    assert (await stage.view(alice)).subject.epoch == alice.subject.epoch + 1
    assert (await stage.events(alice))[-1] == "enrol.confirmed"
    told = await stage.mailed("factor-added")
    assert (told["kind"], told["label"]) == ("totp", "Phone")


async def test_nothing_is_bound_until_a_right_answer_came(stage):
    alice = await stage.person(totp=False)
    _, revealed = await starts(stage, alice)
    before = (await stage.view(alice)).authenticators

    with pytest.raises(CodeRejected) as refused:
        await confirms(stage, revealed, another(code(secret_of(revealed), stage.clock.now())))

    assert refused.value.attempts_left == 4
    assert (await stage.view(alice)).authenticators == before
    assert isinstance(await stage.begins(alice), Granted)
    assert "enrol.refused" in await stage.events(alice)


async def test_the_code_that_confirms_is_spent(stage):
    alice = await stage.person(totp=False)
    _, revealed = await starts(stage, alice)
    alice.secret = secret_of(revealed)
    right = stage.code(alice)
    await confirms(stage, revealed, right)

    pending = await stage.begins(alice)
    with pytest.raises(Exception, match="already used"):
        await prove.prove(stage.engine, pending.ticket, right, HERE)


async def test_a_lost_answer_is_given_again_with_its_codes(stage):
    alice = await stage.person(totp=False)
    _, revealed = await starts(stage, alice)
    right = code(secret_of(revealed), stage.clock.now())
    granted = await confirms(stage, revealed, right)

    again = await confirms(stage, revealed, right)

    assert again.recovery_codes == granted.recovery_codes
    assert (again.session, again.authenticator) == (granted.session, granted.authenticator)
    with pytest.raises(CeremonyConsumed):
        await confirms(stage, revealed, another(right))


class Between:
    """A store that lets something happen just before a session is looked up."""

    def __init__(self, store, before):
        self.store = store
        self.before = before

    def __getattr__(self, name):
        return getattr(self.store, name)

    async def session(self, *named):
        before, self.before = self.before, None
        if before is not None:
            await before()
        return await self.store.session(*named)


async def test_two_honest_tries_of_one_confirmation_are_given_the_same_session(stage):
    alice = await stage.person(totp=False)
    _, revealed = await starts(stage, alice)
    answer = code(secret_of(revealed), stage.clock.now())
    granted = []

    async def the_other():
        granted.append(await confirms(stage, revealed, answer))

    stage.engine = replace(stage.engine, store=Between(stage.store, the_other))
    granted.append(await confirms(stage, revealed, answer))

    assert granted[0].tokens == granted[1].tokens
    assert granted[0].recovery_codes == granted[1].recovery_codes


async def test_a_second_try_makes_another_secret_and_forgets_the_first(stage):
    alice = await stage.person(totp=False)
    _, first = await starts(stage, alice)
    second = await binds(stage, first.pending.ticket)
    assert secret_of(second) != secret_of(first)

    with pytest.raises(CodeRejected):
        await confirms(stage, second, code(secret_of(first), stage.clock.now()))


async def test_guesses_at_a_set_up_are_counted_and_end_it(stage):
    alice = await stage.person(totp=False)
    _, revealed = await starts(stage, alice)
    right = code(secret_of(revealed), stage.clock.now())
    for _ in range(5):
        with pytest.raises(CodeRejected):
            await confirms(stage, revealed, another(right))

    with pytest.raises(CeremonyConsumed):
        await confirms(stage, revealed, right)
    with pytest.raises(CeremonyConsumed):
        await binds(stage, revealed.pending.ticket)
    assert "enrol.blocked" in await stage.events(alice)


async def test_a_set_up_needs_fresh_proof_of_what_is_bound(stage):
    alice = await stage.person()
    session = (await stage.logs_in(alice)).session
    stage.clock.pass_(301)

    with pytest.raises(StepUpRequired):
        await enrol.begin(stage.engine, session, HERE)


async def test_a_pending_login_binds_nothing(stage):
    alice = await stage.person()
    pending = await stage.begins(alice)

    with pytest.raises(NotPossible):
        await binds(stage, pending.ticket)


async def test_of_two_set_ups_at_once_one_is_bound(stage):
    alice = await stage.person(totp=False)
    session = (await stage.logs_in(alice)).session
    tickets = [(await enrol.begin(stage.engine, session, HERE)).ticket for _ in range(2)]
    first, second = [await binds(stage, ticket) for ticket in tickets]

    async def faster():
        await confirms(stage, first, code(secret_of(first), stage.clock.now()))

    stage.store.before = faster
    with pytest.raises(StaleSecurityState):
        await confirms(stage, second, code(secret_of(second), stage.clock.now()))

    kinds = [a.kind for a in (await stage.view(alice)).authenticators]
    assert sorted(kinds) == ["password", "recovery", "totp"]


async def test_who_must_enrol_is_signed_in_by_it(stage):
    await stage.policy(enforcement="required")
    alice = await stage.person(totp=False)
    pending = await stage.begins(alice)
    revealed = await binds(stage, pending.ticket)

    granted = await confirms(stage, revealed, code(secret_of(revealed), stage.clock.now()))

    assert granted.session.amr == ("pwd", "otp", "mfa")
    assert granted.ended == ()


async def test_a_second_factor_brings_no_second_set_of_codes_and_no_preference(stage):
    alice = await stage.person(totp=False)
    _, revealed = await starts(stage, alice)
    await confirms(stage, revealed, code(secret_of(revealed), stage.clock.now()))
    alice.secret = secret_of(revealed)

    _, revealed = await starts(stage, alice, "email")
    assert revealed.pending.show == {"hint": "a***@e***.org"}
    answer = (await stage.mailed("code"))["code"]
    granted = await confirms(stage, revealed, answer)

    assert granted.recovery_codes == ()
    assert granted.session.aal is Aal.TWO
    (mailed,) = [a for a in (await stage.view(alice)).authenticators if a.kind == "email"]
    assert mailed.preferred is False
    assert mailed.parameters["count"] == 1


async def test_a_code_that_comes_back_verifies_the_address_it_went_to(stage):
    erin = await stage.person("erin", totp=False, email_verified=False)
    _, revealed = await starts(stage, erin, "email")
    answer = (await stage.mailed("code"))["code"]

    await confirms(stage, revealed, answer)

    assert (await stage.view(erin)).subject.email_verified is True


async def test_another_mailbox_than_ones_own_verifies_nothing(stage):
    erin = await stage.person("erin", totp=False, email_verified=False)
    wish = Wish(parameters={"address": "erin@work.example"})
    _, revealed = await starts(stage, erin, "email", wish)

    await confirms(stage, revealed, (await stage.mailed("code"))["code"])

    assert (await stage.view(erin)).subject.email_verified is False


async def test_set_ups_are_no_tool_for_bombing_a_mailbox(stage):
    alice = await stage.person(totp=False)
    session = (await stage.logs_in(alice)).session
    for number in range(5):
        begun = await enrol.begin(stage.engine, session, HERE)
        wish = Wish(parameters={"address": f"victim{number}@example.net"})
        await binds(stage, begun.ticket, "email", wish)
    begun = await enrol.begin(stage.engine, session, HERE)

    with pytest.raises(Throttled) as refused:
        await binds(stage, begun.ticket, "email")

    assert refused.value.retry_after == 3_600
    await binds(stage, begun.ticket, "totp")


async def test_only_kinds_that_policy_knows_can_be_bound(stage):
    await stage.policy(kinds=["totp"])
    alice = await stage.person(totp=False)
    session = (await stage.logs_in(alice)).session
    begun = await enrol.begin(stage.engine, session, HERE)

    for kind in ("email", "password", "recovery", "telepathy"):
        with pytest.raises(NotAllowed):
            await binds(stage, begun.ticket, kind)


async def test_a_label_that_would_break_a_letter_is_refused(stage):
    alice = await stage.person(totp=False)
    session = (await stage.logs_in(alice)).session
    begun = await enrol.begin(stage.engine, session, HERE)

    with pytest.raises(Malformed):
        await binds(stage, begun.ticket, wish=Wish(label="Phone\r\nBcc: all@example.org"))


@pytest.mark.parametrize(
    ("closing", "left"), [("others", ["mine"]), ("none", ["other", "mine"]), ("all", [])]
)
async def test_other_sessions_end_as_policy_says(stage, closing, left):
    await stage.policy(closing=closing)
    alice = await stage.person(totp=False)
    other = await stage.bearer(alice)
    mine, revealed = await starts(stage, alice)

    outcome = await confirms(stage, revealed, code(secret_of(revealed), stage.clock.now()))

    names = {other.session.id: "other", mine.id: "replaced"}
    found = sorted((names.get(s.id, "mine") for s in await stage.sessions(alice)), reverse=True)
    assert found == sorted(left, reverse=True)
    if closing == "all":
        assert isinstance(outcome, Done)
        assert outcome.closes_session is True
        assert len(outcome.facts["recovery_codes"]) == 10
    with pytest.raises(InvalidToken):
        await sessions.look(stage.engine, sessions.Bearer(mine, alice.subject))


async def test_a_set_up_can_be_cancelled(stage):
    alice = await stage.person(totp=False)
    _, revealed = await starts(stage, alice)

    await login.cancel(stage.engine, revealed.pending.ticket, HERE)

    with pytest.raises(CeremonyConsumed):
        await confirms(stage, revealed, code(secret_of(revealed), stage.clock.now()))
    assert "enrol.cancelled" in await stage.events(alice)


async def test_a_ticket_without_a_subject_or_a_draft_binds_nothing(stage):
    now = stage.clock.now()
    forged = Ceremony(
        jti="a" * 32,
        kind=Kind.LOGIN,
        realm=HERE.realm,
        client="",
        state=State.CONFIRM,
        started_at=now,
        expires_at=now + 1_000_000,
    )

    with pytest.raises(NotAllowed):
        await enrol.confirm(stage.engine, stage.engine.ticket(forged), "123456", HERE)
    with pytest.raises(NotAllowed):
        enrol._known(forged)


async def test_a_recovered_session_may_replace_what_was_lost(stage):
    alice = await stage.person(totp=False)
    _, revealed = await starts(stage, alice)
    granted = await confirms(stage, revealed, code(secret_of(revealed), stage.clock.now()))
    pending = await stage.begins(alice)
    recovered = await prove.prove(
        stage.engine, pending.ticket, granted.recovery_codes[0], HERE, recovery=True
    )

    begun = await enrol.begin(stage.engine, recovered.session, HERE)
    revealed = await binds(stage, begun.ticket)
    again = await confirms(stage, revealed, code(secret_of(revealed), stage.clock.now()))

    assert again.session.aal is Aal.TWO
    assert step_up.RECOVERED in again.session.amr


async def test_a_proof_is_needed_even_of_a_recovery_factor_that_shows_nothing(stage):
    # A recovery factor of somebody else's making may keep its codes to itself.
    class Silent(type(stage.engine.recovery)):
        def bind(self, *args):
            return replace(super().bind(*args), reveal={"codes": None})

    stage.engine = replace(stage.engine, recovery=Silent(strong=stage.engine.recovery.strong))
    alice = await stage.person(totp=False)
    _, revealed = await starts(stage, alice)

    granted = await confirms(stage, revealed, code(secret_of(revealed), stage.clock.now()))

    assert granted.recovery_codes == ()


async def test_a_set_up_dies_with_the_session_it_began_from(stage):
    alice = await stage.person(totp=False)
    session, revealed = await starts(stage, alice)
    await sessions.log_out(stage.engine, sessions.Bearer(session, alice.subject), HERE)

    with pytest.raises(CeremonyExpired):
        await confirms(stage, revealed, code(secret_of(revealed), stage.clock.now()))

    assert [a.kind for a in (await stage.view(alice)).authenticators] == ["password"]
