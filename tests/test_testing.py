"""The engine we hand to those who test what they build on us."""

import pytest

from twofold.ceremonies import enrol, login, prove
from twofold.ceremonies.outcomes import Granted, Pending, Revealed
from twofold.core.ceremony import State
from twofold.core.errors import CodeAlreadyUsed, Misconfigured
from twofold.core.types import Aal, Context
from twofold.testing import NOON, code_for, ready_engine

PASSWORD = "a-quiet-harbour-in-november"


async def enrolled(ready, name):
    """Somebody who has set an app up; the key URI."""
    engine = ready.engine
    begun = await login.begin(engine, Context(), identifier=name, answer=PASSWORD)
    assert isinstance(begun, Pending)
    assert begun.ceremony.state is State.ENROL
    shown = await enrol.bind(engine, begun.ticket, "totp", Context())
    assert isinstance(shown, Revealed)
    uri = str(shown.secrets["uri"])
    granted = await enrol.confirm(
        engine, shown.pending.ticket, code_for(uri, ready.clock), Context()
    )
    assert isinstance(granted, Granted)
    return uri


async def test_a_whole_enrolment_and_sign_in_needs_no_patience():
    ready = ready_engine({"policy.enforcement": "required"})
    await ready.add("alice", PASSWORD)
    uri = await enrolled(ready, "alice")

    ready.clock.move(30)
    begun = await login.begin(ready.engine, Context(), identifier="alice", answer=PASSWORD)
    code = code_for(uri, ready.clock)
    granted = await prove.prove(ready.engine, begun.ticket, code, Context())

    assert granted.session.aal is Aal.TWO
    again = await login.begin(ready.engine, Context(), identifier="alice", answer=PASSWORD)
    with pytest.raises(CodeAlreadyUsed):
        await prove.prove(ready.engine, again.ticket, code, Context())


async def test_the_clock_stands_until_it_is_moved():
    clock = ready_engine().clock

    assert clock.now() == clock.now() == NOON
    clock.move(1.5)
    assert clock.now() == NOON + 1_500_000
    clock.move(-1.5)
    assert clock.now() == NOON


async def test_what_would_be_mailed_can_be_read_once():
    ready = ready_engine({"policy.admins": "required"})
    await ready.add("alice", PASSWORD, email="alice@example.org", is_admin=True)
    await enrolled(ready, "alice")

    (mail,) = await ready.mails()
    assert (mail.channel, mail.to, mail.template) == ("email", "alice@example.org", "factor-added")
    assert mail.values["kind"] == "totp"
    assert await ready.mails() == []


def test_settings_are_checked_as_ever():
    with pytest.raises(Misconfigured, match=r"totp\.digits must be a whole number from 6 to 8"):
        ready_engine({"totp.digits": 5})
