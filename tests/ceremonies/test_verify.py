import base64
from dataclasses import replace

import pytest
from joserfc import jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import KeySet

from tests.ceremonies.stage import HERE, PASSWORD, another, code, payload
from twofold.ceremonies import account, admin, clients, login, prove, recover, verify
from twofold.ceremonies.admin import SubjectChange
from twofold.ceremonies.outcomes import Done, Granted, Revealed
from twofold.ceremonies.verify import Client
from twofold.core.errors import (
    CeremonyExpired,
    CodeAlreadyUsed,
    CodeRejected,
    CooldownActive,
    FactorBlocked,
    InvalidCredentials,
    Malformed,
    NotAllowed,
    NotEnrolled,
    NotFound,
    StepUpRequired,
    Taken,
)
from twofold.core.policy import ACR
from twofold.core.types import DEFAULT_REALM, SECOND, Aal
from twofold.factors import Wish

SHOP = Client("shop", "The shop")
BANK = Client("bank", "The bank")


async def checks(stage, answer, subject="alice", client=SHOP, **more):
    return await verify.check(stage.engine, client, subject, answer, HERE, **more)


async def asks(stage, subject="dave", client=SHOP, **more):
    done = await verify.ask(stage.engine, client, subject, HERE, **more)
    return done, (await stage.mailed("code"))["code"]


async def test_a_right_code_is_stated_in_a_form_that_others_can_check(stage):
    alice = await stage.person()

    done = await checks(stage, stage.code(alice), nonce="n-1")

    keys = KeySet.import_key_set(verify.jwks(stage.engine))
    with pytest.warns(SecurityWarning, match="RFC 9864"):
        token = jwt.decode(done.facts["assertion"], keys, algorithms=["EdDSA"])
    now = stage.clock.now() // SECOND
    assert token.header["typ"] == "twofold-assertion+jwt"
    jti = token.claims.pop("jti")
    assert len(jti) == 32
    assert token.claims == {
        "iss": "https://stage.example",
        "aud": "shop",
        "sub": "alice",
        "nonce": "n-1",
        "acr": ACR[Aal.TWO],
        "amr": ["otp", "mfa"],
        "auth_time": now,
        "iat": now,
        "exp": now + 60,
    }
    assert (done.facts["acr"], done.facts["amr"]) == (ACR[Aal.TWO], ("otp", "mfa"))
    assert (done.facts["auth_time"], done.facts["subject"]) == (
        stage.clock.now(),
        alice.subject.id,
    )
    assert (await stage.records(alice))[-1][0] == "verify.accepted"
    assert (await stage.records(alice))[-1][1]["client"] == "shop"
    assert await stage.sessions(alice) == []


async def test_without_a_nonce_none_is_stated(stage):
    alice = await stage.person()

    done = await checks(stage, stage.code(alice))

    assert "nonce" not in payload(done.facts["assertion"])
    with pytest.raises(Malformed):
        await checks(stage, stage.code(alice), nonce="n" * 513)


@pytest.mark.parametrize("first", ["login", "verify"])
async def test_a_code_is_spent_once_here_or_there(stage, first):
    alice = await stage.person()
    pending = await stage.begins(alice)
    right = stage.code(alice)

    async def enters():
        return await prove.prove(stage.engine, pending.ticket, right, HERE)

    async def verified():
        return await checks(stage, right)

    one, other = (enters, verified) if first == "login" else (verified, enters)
    await one()

    with pytest.raises(CodeAlreadyUsed):
        await other()
    assert await stage.tally(alice, "kind:totp") is None


async def test_of_two_checks_of_one_code_at_once_one_is_right(stage):
    alice = await stage.person()
    right = stage.code(alice)

    async def faster():
        await checks(stage, right, client=BANK)

    stage.store.before = faster

    with pytest.raises(CodeAlreadyUsed):
        await checks(stage, right)
    assert (await stage.events(alice))[-1] == "verify.replayed"


async def test_wrong_codes_add_up_over_applications_and_logins(stage):
    alice = await stage.person()
    pending = await stage.begins(alice)
    wrong = another(stage.code(alice))
    left = []
    for _ in range(3):
        with pytest.raises(CodeRejected):
            await prove.prove(stage.engine, pending.ticket, wrong, HERE)
    for client in (SHOP, BANK) * 3 + (SHOP,):
        with pytest.raises(CodeRejected) as refused:
            await checks(stage, wrong, client=client)
        left.append(refused.value.attempts_left)
    assert left == [6, 5, 4, 3, 2, 1, 0]

    with pytest.raises(FactorBlocked):
        await checks(stage, stage.code(alice))
    with pytest.raises(FactorBlocked):
        await prove.prove(stage.engine, pending.ticket, stage.code(alice), HERE)
    assert {"verify.refused", "verify.blocked"} <= set(await stage.events(alice))


async def test_strangers_and_people_without_a_factor_are_not_enrolled(stage):
    await stage.person("carol", totp=False)

    for name in ("nobody", "", "carol"):
        with pytest.raises(NotEnrolled):
            await checks(stage, "123456", name)


async def test_a_disabled_subject_is_not_verified(stage):
    alice = await stage.person()
    await admin.change_subject(
        stage.engine, HERE, "operator", alice.subject.id, SubjectChange(disabled=True)
    )

    with pytest.raises(NotAllowed):
        await checks(stage, stage.code(alice))
    with pytest.raises(NotAllowed):
        await asks(stage, "alice")
    assert (await stage.records(alice))[-1][1]["hint"] == "disabled"


async def test_an_answer_may_name_what_it_is_for(stage):
    alice = await stage.person()
    other = await stage.binds(alice, "totp", secret=b"o" * 20)
    with pytest.raises(CodeRejected):
        await checks(stage, stage.code(alice), authenticator=other)
    with pytest.raises(NotEnrolled):
        await checks(stage, stage.code(alice), authenticator="no such id")

    assert (await checks(stage, stage.code(alice), authenticator=alice.totp)).facts["acr"]


async def test_a_mailed_code_answers_the_application_it_was_mailed_for(stage):
    dave = await stage.person("dave", totp=False, mailed=True)
    asked, right = await asks(stage)
    assert asked.facts["hint"] == "d***@e***.org"
    assert asked.facts["authenticator"] == dave.mailed

    with pytest.raises(CodeRejected):
        await checks(stage, right, "dave", BANK)
    done = await checks(stage, right, "dave")

    assert (done.facts["acr"], done.facts["amr"]) == (ACR[Aal.ONE], ("otp", "email"))
    with pytest.raises(CodeRejected):
        await checks(stage, right, "dave")
    assert "verify.asked" in await stage.events(dave)


async def test_a_code_mailed_for_an_application_opens_no_login(stage):
    await stage.person("dave", totp=False, mailed=True)
    _, right = await asks(stage)
    pending = await login.begin(stage.engine, HERE, identifier="dave", answer=PASSWORD)

    with pytest.raises(Exception, match=r"not possible now|not right"):
        await prove.prove(stage.engine, pending.ticket, right, HERE)


async def test_of_two_that_send_one_mailed_code_one_is_right(stage):
    await stage.person("dave", totp=False, mailed=True)
    _, right = await asks(stage)

    async def faster():
        await checks(stage, right, "dave")

    stage.store.before = faster

    with pytest.raises(CodeAlreadyUsed):
        await checks(stage, right, "dave")


async def test_one_mailbox_gets_one_code_at_a_time(stage):
    await stage.person("dave", totp=False, mailed=True)
    await asks(stage)
    for client in (SHOP, BANK):
        with pytest.raises(CooldownActive) as refused:
            await asks(stage, client=client)
        assert refused.value.retry_after == 60

    stage.clock.pass_(60)
    await asks(stage, client=BANK)


async def test_what_needs_no_challenge_cannot_be_asked_for(stage):
    await stage.person()

    with pytest.raises(NotEnrolled):
        await asks(stage, "alice")


async def test_a_blocked_kind_is_not_asked_for(stage):
    await stage.person("dave", totp=False, mailed=True)
    for _ in range(10):
        with pytest.raises(CodeRejected):
            await checks(stage, "nonsense", "dave")

    with pytest.raises(FactorBlocked):
        await asks(stage)


async def test_an_application_that_demands_a_level_takes_no_weaker_factor(stage):
    await stage.policy(clients={"bank": {"aal": 2}})
    alice = await stage.person(mailed=True)
    await stage.person("dave", totp=False, mailed=True)
    codes = (await recover.renew(stage.engine, await stage.bearer(alice), HERE)).facts
    recovery = codes["recovery_codes"][0]

    with pytest.raises(NotAllowed):
        await checks(stage, "123456", "dave", BANK)
    with pytest.raises(NotEnrolled):
        await checks(stage, "123456", client=BANK, authenticator=alice.mailed)
    with pytest.raises(NotAllowed):
        await checks(stage, recovery, client=BANK, recovery=True)

    stage.clock.pass_(30)
    assert (await checks(stage, stage.code(alice), client=BANK)).facts["acr"] == ACR[Aal.TWO]


async def test_a_recovery_code_is_verified_at_the_first_level(stage):
    alice = await stage.person()
    codes = (await recover.renew(stage.engine, await stage.bearer(alice), HERE)).facts

    done = await checks(stage, codes["recovery_codes"][0], recovery=True)

    assert (done.facts["acr"], done.facts["amr"]) == (ACR[Aal.ONE], ("otp", "rc"))
    assert done.facts["codes_left"] == 9
    assert "recovery.used" in await stage.events(alice)


async def test_an_app_is_tried_before_a_mailbox(stage):
    alice = await stage.person(mailed=True)

    assert (await checks(stage, stage.code(alice))).facts["amr"] == ("otp", "mfa")


async def test_a_summary_shows_methods_and_no_secret(stage):
    alice = await stage.person(mailed=True)
    await recover.renew(stage.engine, await stage.bearer(alice), HERE)

    summary = await verify.summary(stage.engine, SHOP, "alice")

    assert [row.kind for row in summary.factors] == ["totp", "email"]
    assert summary.recovery.remaining == 10
    with pytest.raises(NotFound):
        await verify.summary(stage.engine, SHOP, "nobody")


# Subjects of the application's own


async def puts(stage, subject="u-42", client=SHOP, **more):
    return await verify.put_subject(stage.engine, client, subject, HERE, **more)


async def enrols(stage, kind="totp", client=SHOP, **more):
    return await verify.enrol_begin(stage.engine, client, "u-42", kind, HERE, **more)


async def confirms(stage, revealed, answer, client=SHOP):
    ticket = revealed.pending.ticket
    return await verify.enrol_confirm(stage.engine, client, ticket, answer, HERE)


def secret_of(revealed):
    text = revealed.secrets["secret"]
    return base64.b32decode(text + "=" * (-len(text) % 8))


async def enrolled(stage):
    subject = await puts(stage)
    revealed = await enrols(stage, wish=Wish(label="App"))
    secret = secret_of(revealed)
    done = await confirms(stage, revealed, code(secret, stage.clock.now()))
    stage.clock.pass_(30)
    return subject, secret, done


async def test_an_application_enrols_a_subject_of_its_own_without_a_session(stage):
    subject, secret, done = await enrolled(stage)

    assert isinstance(done, Done)
    assert done.closes_session is False
    assert len(done.facts["recovery_codes"]) == 10
    assert await stage.store.sessions(DEFAULT_REALM, subject.id) == []
    checked = await checks(stage, code(secret, stage.clock.now()), "u-42")
    assert payload(checked.facts["assertion"])["sub"] == "u-42"


async def test_such_a_subject_cannot_sign_in(stage):
    await enrolled(stage)

    with pytest.raises(InvalidCredentials):
        await login.begin(stage.engine, HERE, identifier="u-42", answer="")


async def test_another_factor_needs_proof_of_the_first(stage):
    _, secret, _ = await enrolled(stage)
    with pytest.raises(StepUpRequired) as refused:
        await enrols(stage)
    assert refused.value.acr_values == ACR[Aal.TWO]
    with pytest.raises(CodeRejected):
        await enrols(stage, answer="000000")

    revealed = await enrols(stage, answer=code(secret, stage.clock.now()))

    assert isinstance(revealed, Revealed)
    done = await confirms(stage, revealed, code(secret_of(revealed), stage.clock.now()))
    assert done.facts["recovery_codes"] == ()


async def test_a_set_up_belongs_to_the_application_that_began_it(stage):
    await puts(stage)
    revealed = await enrols(stage)

    with pytest.raises(CeremonyExpired):
        await confirms(stage, revealed, code(secret_of(revealed), stage.clock.now()), client=BANK)


async def test_no_application_touches_subjects_that_are_not_its_own(stage):
    await stage.person()
    await puts(stage)
    engine = stage.engine

    with pytest.raises(Taken):
        await puts(stage, "alice")
    with pytest.raises(Taken):
        await puts(stage, "u-42", BANK)
    for client, name in ((SHOP, "alice"), (BANK, "u-42"), (SHOP, "nobody")):
        with pytest.raises(NotFound):
            await verify.forget(engine, client, name, HERE)
        with pytest.raises(NotFound):
            await verify.enrol_begin(engine, client, name, "totp", HERE)


async def test_a_subject_is_made_once_and_then_changed(stage):
    made = await puts(stage, email="U42@example.org", phone="+49 30 1234567")
    assert (made.email, made.phone) == ("u42@example.org", "+49301234567")

    same = await puts(stage)
    moved = await puts(stage, email="new@example.org")

    assert same.id == moved.id == made.id
    assert (moved.email, moved.phone) == ("new@example.org", "+49301234567")
    assert moved.email_verified is False
    names = [name for name, body in await stage.records() if body.get("by") == "client:shop"]
    assert names == ["subject.created", "subject.changed", "subject.changed"]


async def test_a_mailed_factor_of_such_a_subject_proves_its_address(stage):
    subject = await puts(stage, email="u42@example.org")
    revealed = await enrols(stage, "email")

    await confirms(stage, revealed, (await stage.mailed("code"))["code"])

    view = await stage.store.view(DEFAULT_REALM, subject.id)
    assert view.subject.email_verified is True


async def test_a_forgotten_subject_is_gone(stage):
    await enrolled(stage)

    await verify.forget(stage.engine, SHOP, "u-42", HERE)

    with pytest.raises(NotEnrolled):
        await checks(stage, "123456", "u-42")
    assert (await stage.events())[-1] == "subject.deleted"


async def test_a_client_made_by_an_administrator_verifies_end_to_end(stage):
    alice = await stage.person()
    _, secret = await clients.put_client(stage.engine, HERE, "operator", id="shop")
    client = await verify.authenticate_client(stage.engine, "shop", secret, HERE)

    done = await checks(stage, stage.code(alice), client=client)

    assert payload(done.facts["assertion"])["aud"] == "shop"


async def test_a_reset_password_does_not_touch_what_applications_ask_for(stage):
    alice = await stage.person()
    await account.ask_reset(stage.engine, "alice", HERE)
    token = (await stage.mailed("reset-password"))["code"]
    await account.reset_password(stage.engine, token, "another umbrella twenty", HERE)

    assert (await checks(stage, stage.code(alice))).facts["acr"] == ACR[Aal.TWO]
    outcome = await login.begin(
        stage.engine, replace(HERE), identifier="alice", answer="another umbrella twenty"
    )
    assert not isinstance(outcome, Granted)
