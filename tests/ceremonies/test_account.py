import pytest

from tests.ceremonies.stage import HERE, PASSWORD
from twofold.ceremonies import account, admin, login, prove, sessions
from twofold.ceremonies.admin import SubjectChange
from twofold.ceremonies.outcomes import Done, Granted, Pending
from twofold.core.errors import (
    CeremonyConsumed,
    CeremonyExpired,
    FactorBlocked,
    InvalidCredentials,
    InvalidToken,
    Malformed,
    NotAllowed,
    NotEnrolled,
    NotPossible,
    StaleSecurityState,
    StepUpRequired,
    Taken,
    Throttled,
    WeakPassword,
)
from twofold.core.types import DEFAULT_REALM

NEW = "another umbrella twenty"


async def registers(stage, name="erin", email="erin@example.org", password=PASSWORD, **more):
    return await account.register(
        stage.engine, HERE, name=name, email=email, password=password, **more
    )


async def enters(stage, identifier, password=PASSWORD):
    return await login.begin(stage.engine, HERE, identifier=identifier, answer=password)


class Signed:
    """Somebody who signed up, as the store knows them."""

    def __init__(self, subject):
        self.subject = subject


async def signed_up(stage, **more):
    await stage.policy(registration=True)
    done = await registers(stage, **more)
    view = await stage.store.view(DEFAULT_REALM, done.facts["subject"])
    return Signed(view.subject)


async def bearer_of(stage, identifier, password=PASSWORD):
    granted = await enters(stage, identifier, password)
    return sessions.Bearer(granted.session, granted.subject)


# Registration


async def test_nobody_registers_where_policy_does_not_say_so(stage):
    with pytest.raises(NotAllowed):
        await registers(stage)

    assert await stage.store.subjects(DEFAULT_REALM) == []


async def test_who_registers_signs_in_by_name_and_verifies_the_address_by_mail(stage):
    erin = await signed_up(stage, phone="+49 30 1234567")
    assert (erin.subject.email, erin.subject.email_verified) == ("erin@example.org", False)
    assert erin.subject.phone == "+49301234567"
    assert isinstance(await enters(stage, "erin"), Granted)
    with pytest.raises(InvalidCredentials):
        await enters(stage, "erin@example.org")
    letter = await stage.mailed("verify-address")
    assert letter["link"] == f"https://stage.example/verify-address#{letter['code']}"
    assert len(letter["link"]) < 512

    done = await account.verify_address(stage.engine, letter["code"], HERE)

    assert done.facts["email"] == "erin@example.org"
    assert isinstance(await enters(stage, "erin@example.org"), Granted)
    assert await stage.events(erin) == [
        "account.registered", "login.granted", "account.verified", "login.granted",
    ]  # fmt: skip


async def test_an_address_in_use_changes_nothing_that_the_asker_sees(stage):
    await stage.person(totp=False)
    await stage.policy(registration=True)

    taken = await registers(stage, name="mallory", email="ALICE@example.org")
    free = await registers(stage, name="erin", email="erin@example.org")

    assert set(taken.facts) == set(free.facts)
    assert isinstance(await enters(stage, "mallory"), Granted)
    assert isinstance(await enters(stage, "erin"), Granted)
    letters = {to: template for to, template, _ in await stage.mail()}
    assert letters == {
        "alice@example.org": "registered-again", "erin@example.org": "verify-address",
    }  # fmt: skip
    assert "account.registered.again" in await stage.events()


async def test_a_sign_up_with_a_foreign_address_never_gets_hold_of_it(stage):
    alice = await stage.person(totp=False)
    mallory = await signed_up(stage, name="mallory", email="alice@example.org")
    bearer = await bearer_of(stage, "mallory")

    await account.ask_verification(stage.engine, bearer, HERE)

    assert {template for _, template, _ in await stage.mail()} == {"registered-again"}
    found = await stage.store.view(DEFAULT_REALM, identifier="email:alice@example.org")
    assert found.subject.id == alice.subject.id
    assert mallory.subject.email_verified is False


async def test_a_squatter_cannot_lock_out_the_owner_of_the_mailbox(stage):
    await signed_up(stage, name="squatter", email="erin@example.org")
    first = (await stage.mailed("verify-address"))["code"]
    stage.clock.pass_(1)
    await registers(stage, name="erin", email="erin@example.org")
    erins = (await stage.mailed("verify-address"))["code"]

    await account.verify_address(stage.engine, erins, HERE)

    with pytest.raises(Taken):
        await account.verify_address(stage.engine, first, HERE)
    assert (await enters(stage, "erin@example.org")).subject.name == "erin"


async def test_a_name_in_use_is_said(stage):
    await stage.person("erin", totp=False)
    await stage.policy(registration=True)

    with pytest.raises(Taken):
        await registers(stage, name="Erin", email="other@example.org")


async def test_who_gives_no_name_is_given_one(stage):
    erin = await signed_up(stage, name="")

    assert erin.subject.name.startswith("erin-")
    assert isinstance(await enters(stage, erin.subject.name), Granted)


@pytest.mark.parametrize("name", ["bob@example.org", "+4930123456", "a\nb", "x" * 300])
async def test_no_name_is_an_address_a_number_or_a_trick(stage, name):
    await stage.policy(registration=True)

    with pytest.raises(Malformed):
        await registers(stage, name=name)


@pytest.mark.parametrize(
    "password", ["short", "erin erin erin", "aaaaaaaaaaaaaaaa", "x" * 2_000, "\ud800" * 20]
)
async def test_a_weak_password_is_refused(stage, password):
    await stage.policy(registration=True)

    with pytest.raises(WeakPassword):
        await registers(stage, password=password)

    assert await stage.store.subjects(DEFAULT_REALM) == []


async def test_one_mailbox_is_not_bombed_by_sign_ups(stage):
    await stage.policy(registration=True)
    for number in range(14):
        await registers(stage, name=f"bot{number}", email="victim@example.org")

    assert len(await stage.mail()) == 10
    assert len(await stage.store.subjects(DEFAULT_REALM)) == 14


async def test_the_owner_of_an_address_is_not_bombed_either(stage):
    await stage.person(totp=False)
    await stage.policy(registration=True)
    for number in range(8):
        await registers(stage, name=f"bot{number}", email="alice@example.org")

    assert len(await stage.mail()) == 5


async def test_one_source_does_not_register_without_end(stage):
    await stage.policy(registration=True)
    for number in range(50):
        await registers(stage, name=f"bot{number}", email=f"v{number}@example.org")

    with pytest.raises(Throttled):
        await registers(stage, name="one more", email="w@example.org")


# Verification


async def test_a_token_verifies_once(stage):
    await signed_up(stage)
    token = (await stage.mailed("verify-address"))["code"]
    await account.verify_address(stage.engine, f" {token}\n", HERE)

    with pytest.raises(CeremonyConsumed):
        await account.verify_address(stage.engine, token, HERE)


async def test_a_token_dies_after_a_day(stage):
    await signed_up(stage)
    token = (await stage.mailed("verify-address"))["code"]
    stage.clock.pass_(86_400)

    with pytest.raises(CeremonyExpired):
        await account.verify_address(stage.engine, token, HERE)


async def test_a_token_for_an_old_address_is_dead(stage):
    erin = await signed_up(stage)
    token = (await stage.mailed("verify-address"))["code"]
    await admin.change_subject(
        stage.engine, HERE, "operator", erin.subject.id, SubjectChange(email="new@example.org")
    )

    with pytest.raises(StaleSecurityState):
        await account.verify_address(stage.engine, token, HERE)


async def test_a_set_up_in_between_does_not_kill_the_token(stage):
    erin = await signed_up(stage)
    token = (await stage.mailed("verify-address"))["code"]
    await stage.binds(erin, "totp", secret=b"s" * 20)

    await account.verify_address(stage.engine, token, HERE)

    assert (await stage.view(erin)).subject.email_verified is True


async def test_a_disabled_or_deleted_subject_verifies_nothing(stage):
    erin = await signed_up(stage)
    token = (await stage.mailed("verify-address"))["code"]
    await admin.change_subject(
        stage.engine, HERE, "operator", erin.subject.id, SubjectChange(disabled=True)
    )
    with pytest.raises(CeremonyExpired):
        await account.verify_address(stage.engine, token, HERE)
    await admin.remove_subject(stage.engine, HERE, "operator", erin.subject.id)

    with pytest.raises(CeremonyExpired):
        await account.verify_address(stage.engine, token, HERE)


async def test_a_verification_that_meets_a_ban_does_not_lift_it(stage):
    erin = await signed_up(stage)
    token = (await stage.mailed("verify-address"))["code"]

    async def banned():
        await admin.change_subject(
            stage.engine, HERE, "operator", erin.subject.id, SubjectChange(disabled=True)
        )

    stage.store.before = banned

    with pytest.raises(CeremonyExpired):
        await account.verify_address(stage.engine, token, HERE)


@pytest.mark.parametrize("token", ["", "t1.", "t1.AAAA", "nonsense", "é"])
async def test_no_junk_is_a_token(stage, token):
    with pytest.raises(CeremonyExpired):
        await account.verify_address(stage.engine, token, HERE)
    with pytest.raises(CeremonyExpired):
        await account.reset_password(stage.engine, token, NEW, HERE)


async def test_each_token_works_for_its_purpose_only(stage):
    await signed_up(stage)
    verify = (await stage.mailed("verify-address"))["code"]
    await account.verify_address(stage.engine, verify, HERE)
    await account.ask_reset(stage.engine, "erin", HERE)
    reset = (await stage.mailed("reset-password"))["code"]

    with pytest.raises(CeremonyExpired):
        await account.reset_password(stage.engine, verify, NEW, HERE)
    with pytest.raises(CeremonyExpired):
        await account.verify_address(stage.engine, reset, HERE)
    with pytest.raises(CeremonyExpired):
        await prove.prove(stage.engine, reset, "123456", HERE)


async def test_another_letter_can_be_asked_for_a_few_times(stage):
    await signed_up(stage)
    bearer = await bearer_of(stage, "erin")
    for _ in range(5):
        assert await account.ask_verification(stage.engine, bearer, HERE) == Done()

    with pytest.raises(Throttled):
        await account.ask_verification(stage.engine, bearer, HERE)

    assert len(await stage.mail()) == 6


async def test_there_must_be_something_to_verify(stage):
    verified = await stage.bearer(await stage.person(totp=False))
    bare = await stage.bearer(
        await stage.person("bare", totp=False, email=None, email_verified=False)
    )

    for bearer in (verified, bare):
        with pytest.raises(NotPossible):
            await account.ask_verification(stage.engine, bearer, HERE)


# Changing the password


async def changes(stage, bearer, current=PASSWORD, new=NEW):
    return await account.change_password(stage.engine, bearer, current, new, HERE)


async def test_a_changed_password_ends_every_session_and_opens_one(stage):
    alice = await stage.person(totp=False)
    other, mine = await stage.bearer(alice), await stage.bearer(alice)
    stage.clock.pass_(600)

    granted = await changes(stage, mine)

    assert [s.id for s in await stage.sessions(alice)] == [granted.session.id]
    assert granted.ended == (mine.session.id,)
    assert granted.session.id not in (mine.session.id, other.session.id)
    assert granted.session.auth_time == mine.session.auth_time
    assert granted.session.expires_at == mine.session.expires_at
    await sessions.authenticate(stage.engine, granted.tokens.access, "access", HERE)
    with pytest.raises(InvalidCredentials):
        await enters(stage, "alice")
    assert isinstance(await enters(stage, "alice", NEW), Granted)
    assert (await stage.mailed("password-changed"))["address"] == HERE.address
    assert "account.password.changed" in await stage.events(alice)


async def test_a_wrong_current_password_is_counted_like_a_login(stage):
    alice = await stage.person(totp=False)
    bearer = await stage.bearer(alice)
    for _ in range(10):
        with pytest.raises(InvalidCredentials):
            await changes(stage, bearer, current="wrong")

    with pytest.raises(FactorBlocked):
        await changes(stage, bearer)

    assert (await stage.tally(alice, "kind:password")).streak == 10
    assert (await stage.events(alice))[-1] == "account.password.refused"


async def test_a_changed_password_forgets_the_guesses_at_the_old_one(stage):
    alice = await stage.person(totp=False)
    bearer = await stage.bearer(alice)
    with pytest.raises(InvalidCredentials):
        await changes(stage, bearer, current="wrong")

    await changes(stage, bearer)

    assert await stage.tally(alice, "kind:password") is None


async def test_a_weak_new_password_changes_nothing(stage):
    alice = await stage.person(totp=False)
    bearer = await stage.bearer(alice)

    with pytest.raises(WeakPassword):
        await changes(stage, bearer, new="alice1234")

    await sessions.look(stage.engine, bearer)


async def test_who_has_a_factor_needs_fresh_proof_of_it(stage):
    alice = await stage.person()
    bearer = await stage.bearer(alice)
    granted = await changes(stage, bearer)
    assert granted.session.aal == bearer.session.aal
    stage.clock.pass_(301)

    with pytest.raises(StepUpRequired):
        await changes(
            stage, sessions.Bearer(granted.session, granted.subject), current=NEW, new=PASSWORD
        )


async def test_without_a_password_there_is_nothing_to_change(stage):
    alice = await stage.person(totp=False)
    bearer = await stage.bearer(alice)
    bare = await admin.create_subject(stage.engine, HERE, "operator", name="bare")
    session = (await stage.sessions(alice))[0]

    with pytest.raises(InvalidToken):
        await changes(stage, sessions.Bearer(session, bare))
    assert bearer.session == session


async def test_a_subject_whose_password_is_gone_is_told_so(stage):
    alice = await stage.person(totp=False)
    bearer = await stage.bearer(alice)
    (held,) = (await stage.view(alice)).authenticators
    from twofold.core.effects import Unbind

    await stage.store.commit(Unbind(alice.subject.id, held.id))

    with pytest.raises(NotEnrolled):
        await changes(stage, bearer)


async def test_a_change_that_meets_a_guess_looks_again_and_hashes_once(stage):
    alice = await stage.person(totp=False)
    bearer = await stage.bearer(alice)

    async def guessed():
        with pytest.raises(InvalidCredentials):
            await enters(stage, "alice", "wrong")

    stage.store.before = guessed

    assert isinstance(await changes(stage, bearer), Granted)


# Resetting the password


async def reset_token(stage, identifier="alice"):
    await account.ask_reset(stage.engine, identifier, HERE)
    return (await stage.mailed("reset-password"))["code"]


async def test_a_reset_sets_a_password_and_grants_no_session(stage):
    alice = await stage.person()
    await stage.logs_in(alice)
    token = await reset_token(stage)

    done = await account.reset_password(stage.engine, token, NEW, HERE)

    assert done == Done()
    assert await stage.sessions(alice) == []
    with pytest.raises(InvalidCredentials):
        await enters(stage, "alice")
    outcome = await enters(stage, "alice", NEW)
    assert isinstance(outcome, Pending)
    assert "password-changed" in {template for _, template, _ in await stage.mail()}
    assert "account.password.reset" in await stage.events(alice)


async def test_a_reset_token_works_once_and_dies_with_any_change(stage):
    await stage.person(totp=False)
    token, older = await reset_token(stage), await reset_token(stage)
    await account.reset_password(stage.engine, token, NEW, HERE)

    for dead in (token, older):
        with pytest.raises(StaleSecurityState):
            await account.reset_password(stage.engine, dead, PASSWORD, HERE)


async def test_of_two_resets_with_one_token_one_counts(stage):
    await stage.person(totp=False)
    token = await reset_token(stage)

    async def faster():
        await account.reset_password(stage.engine, token, NEW, HERE)

    stage.store.before = faster

    with pytest.raises(StaleSecurityState):
        await account.reset_password(stage.engine, token, "a third umbrella thirty", HERE)
    assert isinstance(await enters(stage, "alice", NEW), Granted)


async def test_a_reset_token_dies_after_an_hour(stage):
    await stage.person(totp=False)
    token = await reset_token(stage)
    stage.clock.pass_(3_600)

    with pytest.raises(CeremonyExpired):
        await account.reset_password(stage.engine, token, NEW, HERE)


async def test_a_weak_password_leaves_the_token_good(stage):
    await stage.person(totp=False)
    token = await reset_token(stage)
    with pytest.raises(WeakPassword):
        await account.reset_password(stage.engine, token, "short", HERE)

    await account.reset_password(stage.engine, token, NEW, HERE)


async def test_a_reset_lets_a_slowed_name_in_again(stage):
    await stage.person(totp=False)
    for _ in range(10):
        with pytest.raises(InvalidCredentials):
            await enters(stage, "alice", "wrong")
    token = await reset_token(stage)

    await account.reset_password(stage.engine, token, NEW, HERE)

    assert isinstance(await enters(stage, "alice", NEW), Granted)


async def test_a_disabled_subject_resets_nothing(stage):
    alice = await stage.person(totp=False)
    token = await reset_token(stage)
    await admin.change_subject(
        stage.engine, HERE, "operator", alice.subject.id, SubjectChange(disabled=True)
    )

    with pytest.raises(CeremonyExpired):
        await account.reset_password(stage.engine, token, NEW, HERE)


@pytest.mark.parametrize("identifier", ["nobody", "", "erin", "erin@example.org", "dora"])
async def test_who_cannot_be_written_to_gets_the_same_answer_and_no_letter(stage, identifier):
    await signed_up(stage)
    dora = await stage.person("dora", totp=False)
    await admin.change_subject(
        stage.engine, HERE, "operator", dora.subject.id, SubjectChange(disabled=True)
    )

    assert await account.ask_reset(stage.engine, identifier, HERE) == Done()

    assert "reset-password" not in {template for _, template, _ in await stage.mail()}
    assert (await stage.events())[-1] == "account.password.reset.asked"


async def test_every_spelling_asks_for_the_same_account(stage):
    await stage.person(totp=False)
    for identifier in ("ALICE", "alice@example.org"):
        assert await account.ask_reset(stage.engine, identifier, HERE) == Done()

    assert [to for to, _, _ in await stage.mail()] == ["alice@example.org"] * 2


async def test_resets_are_no_tool_for_bombing_a_mailbox(stage):
    await stage.person(totp=False)
    for _ in range(8):
        assert await account.ask_reset(stage.engine, "alice", HERE) == Done()

    assert len(await stage.mail()) == 5


async def test_one_source_does_not_ask_without_end(stage):
    for number in range(50):
        await account.ask_reset(stage.engine, f"name{number}", HERE)

    with pytest.raises(Throttled):
        await account.ask_reset(stage.engine, "alice", HERE)


async def test_a_subject_without_a_password_is_given_its_first_one(stage):
    await admin.create_subject(
        stage.engine, HERE, "operator",
        name="bare", email="bare@example.org", email_verified=True,
    )  # fmt: skip
    token = await reset_token(stage, "bare")

    await account.reset_password(stage.engine, token, NEW, HERE)

    assert isinstance(await enters(stage, "bare", NEW), Granted)
