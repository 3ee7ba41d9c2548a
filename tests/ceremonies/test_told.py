"""Owners are told in their own language what happened, where it came from, and who did it."""

from dataclasses import replace

import pytest

from tests.ceremonies.stage import HERE
from twofold.ceremonies import account, admin, admin_factors, manage, preferences, prove, recover
from twofold.ceremonies.admin import SubjectChange
from twofold.core.errors import InvalidToken, Malformed
from twofold.core.types import DEFAULT_REALM

GERMAN = replace(HERE, locale="de")


async def test_an_owner_chooses_a_language_and_nothing_else_changes(stage):
    alice = await stage.person()
    bearer = await stage.bearer(alice)
    before = (await stage.view(alice)).subject

    done = await preferences.set_locale(stage.engine, bearer, "DE_at", HERE)

    assert done.facts == {"locale": "de-AT"}
    assert (await stage.view(alice)).subject == replace(before, locale="de-AT")
    assert (await stage.events(alice))[-1] == "account.changed"
    await preferences.set_locale(stage.engine, bearer, "", HERE)
    assert (await stage.view(alice)).subject == before


async def test_a_choice_of_language_loses_no_change_that_came_first(stage):
    alice = await stage.person()
    bearer = await stage.bearer(alice)

    async def faster():
        change = SubjectChange(groups=("staff",))
        await admin.change_subject(stage.engine, HERE, "operator", alice.subject.id, change)

    stage.store.before = faster
    await preferences.set_locale(stage.engine, bearer, "de", HERE)

    subject = (await stage.view(alice)).subject
    assert (subject.groups, subject.locale) == (("staff",), "de")


async def test_what_is_no_language_is_refused_and_so_is_who_is_signed_out(stage):
    bearer = await stage.bearer(await stage.person())

    with pytest.raises(Malformed):
        await preferences.set_locale(stage.engine, bearer, "../de", HERE)
    await admin_factors.close_sessions(stage.engine, HERE, "operator", "alice")
    with pytest.raises(InvalidToken):
        await preferences.set_locale(stage.engine, bearer, "de", HERE)


async def test_the_owners_language_comes_before_the_one_of_the_request(stage):
    await stage.person("dave", totp=False, mailed=True, locale="fr")
    erin = await stage.person("erin", totp=False, mailed=True)

    await stage.begins(erin, GERMAN)
    assert (await stage.mailed("code"))["locale"] == "de"
    await account.ask_reset(stage.engine, "dave", GERMAN)
    assert (await stage.mailed("reset-password"))["locale"] == "fr"
    stage.clock.pass_(1)
    await account.ask_reset(stage.engine, "erin", HERE)
    assert (await stage.mailed("reset-password"))["locale"] == ""


@pytest.mark.parametrize(("asked", "kept"), [("de", "de"), ("", ""), ("!!", "")])
async def test_who_registers_is_written_to_in_the_language_of_that_moment(stage, asked, kept):
    await stage.policy(registration=True)
    context = replace(HERE, locale=asked)

    done = await account.register(
        stage.engine, context, email="zoe@example.org", password="corridor umbrella nine"
    )

    view = await stage.store.view(DEFAULT_REALM, done.facts["subject"])
    assert view.subject.locale == kept
    assert (await stage.mailed("verify-address"))["address"] == HERE.address


@pytest.mark.parametrize("template", ["recovery-used", "recovery-renewed", "factor-removed"])
async def test_a_change_is_told_with_where_it_came_from(stage, template):
    alice = await stage.person()
    codes = (await recover.renew(stage.engine, await stage.bearer(alice), GERMAN)).facts
    if template == "recovery-used":
        pending = await stage.begins(alice, GERMAN)
        code = codes["recovery_codes"][0]
        await prove.prove(stage.engine, pending.ticket, code, GERMAN, recovery=True)
    elif template == "factor-removed":
        bearer = await stage.bearer(alice)
        await manage.remove(stage.engine, bearer, alice.totp, GERMAN)

    told = await stage.mailed(template)

    assert (told["address"], told["agent"], told["locale"]) == (HERE.address, HERE.agent, "de")


async def test_the_language_of_an_administrator_is_not_the_owners(stage):
    alice = await stage.person()

    await admin_factors.reset_factors(stage.engine, GERMAN, "operator", alice.subject.id)

    told = await stage.mailed("factor-reset")
    assert told["locale"] == ""
    assert "address" not in told


async def test_a_single_factor_taken_by_an_administrator_is_told_as_that(stage):
    alice = await stage.person(mailed=True)

    await admin_factors.reset_factors(
        stage.engine, HERE, "operator", alice.subject.id, only=alice.totp
    )

    told = await stage.mailed("factor-removed")
    assert (told["kind"], told["label"], told["administrator"]) == ("totp", "Phone", 1)
    assert "factor-reset" not in {template for _, template, _ in await stage.mail()}


async def test_the_last_message_survives_the_account(stage):
    alice = await stage.person(locale="de")

    await admin.remove_subject(stage.engine, HERE, "operator", alice.subject.id)

    ((to, template, told),) = await stage.mail()
    assert (to, template, told["locale"]) == ("alice@example.org", "account-deleted", "de")
    assert stage.nudges
