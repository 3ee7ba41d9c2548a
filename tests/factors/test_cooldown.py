"""One message per cool-down and destination, whoever asks, and never a code voided by a refusal."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.factors.bindings import CEREMONY, NOW, bind, later, spend
from tests.factors.mailing import MAIL, OTHER_LOGIN, STEP_UP, ask, ready
from twofold.core.errors import CooldownActive, Throttled
from twofold.factors import Proof, Wrong
from twofold.factors.email import email

# --- the cool-down ---


@pytest.mark.parametrize("seconds", [0, 0.000_001, 1, 59, 59.999_999])
def test_within_the_cool_down_no_second_message_leaves(seconds):
    held, _ = ready()

    with pytest.raises(CooldownActive) as refused:
        ask(held, now=later(seconds))

    assert refused.value.resend_at == later(60)
    assert 1 <= refused.value.retry_after <= 60
    assert "still valid" in refused.value.detail


def test_a_refused_resend_never_voids_the_code_on_its_way():
    held, code = ready()

    with pytest.raises(CooldownActive):
        ask(held, now=later(30))

    assert isinstance(MAIL.verify(held, CEREMONY, code, later(31)), Proof)


def test_after_the_cool_down_a_new_code_replaces_the_old():
    held, old = ready()

    asked, held = ask(held, now=later(60), number=8)

    assert MAIL.verify(held, CEREMONY, old, later(61)) == Wrong("mismatch")
    assert isinstance(MAIL.verify(held, CEREMONY, asked.deliver["code"], later(61)), Proof)
    assert asked.parameters["count"] == 2


@pytest.mark.parametrize("seconds", [-1, -59])
def test_a_server_whose_clock_is_behind_does_not_send_again(seconds):
    held, _ = ready()

    with pytest.raises(CooldownActive):
        ask(held, now=later(seconds))


def test_a_clock_that_was_wrong_by_hours_silences_nobody():
    held, _ = ready(now=later(86_400))

    asked, _ = ask(held, now=NOW)

    assert asked.deliver is not None


def test_a_spent_code_does_not_end_the_cool_down():
    # A139: log in, then step up at once: the second message waits
    held, code = ready()
    held = spend(held, MAIL.verify(held, CEREMONY, code, NOW))

    with pytest.raises(CooldownActive) as refused:
        ask(held, STEP_UP, later(20))

    assert refused.value.retry_after == 40
    assert "valid" not in refused.value.detail


def test_without_a_cool_down_every_request_sends():
    factor = email(cooldown=0)
    held, old = ready(factor)

    asked, held = ask(held, factor=factor, number=8)

    assert asked.deliver["code"] != old


# --- several ceremonies, one mailbox ---


def test_another_login_within_the_cool_down_is_answered_by_the_code_on_its_way():
    held, code = ready()

    asked, after = ask(held, OTHER_LOGIN, later(20))

    assert after == held, "nothing is written"
    assert (asked.deliver, asked.items, asked.parameters) == (None, None, None)
    assert asked.ceremony == CEREMONY
    assert asked.show == {"hint": "j***@e***.com"}
    assert (asked.expires_at, asked.resend_at) == (later(600), later(60))
    assert isinstance(MAIL.verify(held, asked.ceremony, code, later(21)), Proof)


def test_one_code_never_opens_two_logins():
    held, code = ready()
    asked, held = ask(held, OTHER_LOGIN, later(20))

    spent = spend(held, MAIL.verify(held, CEREMONY, code, later(21)))

    assert MAIL.verify(spent, asked.ceremony, code, later(22)) == Wrong("none-issued")


def test_a_shared_code_is_not_sent_again_under_its_shared_name():
    held, _ = ready()
    asked, held = ask(held, OTHER_LOGIN, later(20))

    with pytest.raises(CooldownActive):
        ask(held, asked.ceremony, later(30))


def test_a_ceremony_that_shared_a_code_can_answer_the_next_one_too():
    held, _ = ready()
    shared, held = ask(held, OTHER_LOGIN, later(20))

    asked, held = ask(held, shared.ceremony, later(60), number=8)

    verdict = MAIL.verify(held, asked.ceremony, asked.deliver["code"], later(61))
    assert isinstance(verdict, Proof)


def test_a_code_for_one_purpose_is_never_shared_with_another():
    # I4: a code that was mailed to sign in must not change a factor
    held, code = ready()

    with pytest.raises(CooldownActive):
        ask(held, STEP_UP, later(20))
    assert MAIL.verify(held, STEP_UP, code, later(20)) == Wrong("other-ceremony")


@pytest.mark.parametrize("name", ["0123456789abcdef", "log.1", "", "logins.1"])
def test_a_ceremony_that_does_not_name_its_kind_shares_nothing(name):
    held, _ = ready()

    with pytest.raises(CooldownActive):
        ask(held, name, later(20))


def test_a_code_that_names_no_kind_is_shared_with_nobody():
    _, held = ask(bind(MAIL)[0], "0123456789abcdef")

    with pytest.raises(CooldownActive):
        ask(held, "fedcba9876543210", later(20))


# --- the day's limit ---


def test_an_address_gets_so_many_messages_a_day_and_no_more():
    factor = email(daily=3, cooldown=60)
    held, _ = bind(factor)
    midnight = later(86_400 - (NOW // 10**6) % 86_400)
    for number in range(3):
        _, held = ask(held, now=later(number * 60), factor=factor, number=number)
    held = replace(held, authenticator=replace(held.authenticator, items=()))

    with pytest.raises(Throttled) as refused:
        ask(held, now=later(180), factor=factor)

    assert not isinstance(refused.value, CooldownActive)
    assert later(180 + refused.value.retry_after) == midnight
    asked, _ = ask(held, now=midnight, factor=factor)
    assert asked.parameters["count"] == 1


def test_the_last_code_of_the_day_stays_good():
    factor = email(daily=1)
    held, code = ready(factor)

    with pytest.raises(CooldownActive, match="still valid") as refused:
        ask(held, now=later(120), factor=factor)

    assert refused.value.retry_after > 600
    asked, _ = ask(held, OTHER_LOGIN, later(120), factor=factor)
    assert isinstance(factor.verify(held, asked.ceremony, code, later(121)), Proof)


@given(
    st.lists(
        st.tuples(st.floats(0, 400), st.sampled_from([CEREMONY, OTHER_LOGIN, STEP_UP])),
        max_size=30,
    )
)
def test_whoever_asks_there_is_one_message_per_cool_down(requests):
    # A139, over every path and order of asking
    factor = email(daily=5)
    held, _ = bind(factor)
    now, sent = NOW, []
    for number, (wait, ceremony) in enumerate(requests):
        now = later(wait, now)
        try:
            asked, held = ask(held, ceremony, now, factor, number)
        except Throttled:
            continue
        if asked.deliver is not None:
            sent.append(now)

    assert all(after - before >= 60 * 10**6 for before, after in itertools.pairwise(sent))
    days = [moment // (86_400 * 10**6) for moment in sent]
    assert all(days.count(day) <= 5 for day in days)
