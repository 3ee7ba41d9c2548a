"""Enforcement, and how users are enabled, disabled and enrolled anew: sections 3 and 4."""

import pytest

from tests.dialects.structr.hall import (
    PASSWORD,
    REST,
    key_of,
    parameters_of,
    refusal,
    session,
    uri_of,
)


@pytest.mark.parametrize(
    ("level", "wished", "status"),
    [
        (0, False, 200),
        (0, True, 200),
        (1, False, 200),
        (1, True, 202),
        (2, False, 202),
        (2, True, 202),
        (2, None, 202),
        (1, None, 200),
    ],
)
@pytest.mark.parametrize("bound", [False, True])
async def test_the_level_and_the_user_decide_together(hall, level, wished, status, bound):
    await hall.user("user", *(["totp"] if bound else []))
    if wished is not None:
        await hall.put("user", isTwoFactorUser=wished)
    await hall.level(level)
    if (bound, level, wished) == (True, 1, None):
        status = 202  # what is bound in any face is asked for

    answer = await hall.client().login("user")

    assert answer.status == status
    assert (answer.header("qrdata") is not None) is (status == 202 and not bound)


async def test_the_level_counts_from_the_moment_it_is_changed(hall):
    await hall.user()
    client = hall.client()

    for level, status in ((1, 200), (2, 202), (0, 200), (2, 202)):
        await hall.level(level)
        assert (await client.login("user")).status == status


async def test_a_challenge_is_finished_with_a_code_whatever_the_level_is_by_then(hall):
    key = await hall.enrolled()
    client = hall.client()
    first = await client.login("user")
    await hall.level(0)
    hall.configure(whitelist="192.0.2.0/24")

    assert refusal(await client.second(first, hall.another(key)))[2] == "wrongTwoFactorCode"
    assert (await client.second(first, hall.shows(key))).status == 200


async def test_the_pending_key_is_the_same_until_it_is_confirmed(hall):
    await hall.user()
    await hall.put("user", isTwoFactorUser=True)
    client = hall.client()

    shown = []
    for _ in range(3):
        shown.append(uri_of(await client.login("user")))
        hall.clock.forward(40)

    assert len(set(shown)) == 1
    await hall.put("user", twoFactorConfirmed=False)
    assert uri_of(await client.login("user")) == shown[0]


async def test_enrolling_anew_is_a_new_key_and_the_old_one_is_dead(hall):
    old = await hall.enrolled()
    client = hall.client()

    await hall.put("user", twoFactorConfirmed=False)
    shown = await hall.shown()
    assert (shown["isTwoFactorUser"], shown["twoFactorConfirmed"]) == (True, False)
    first = await client.login("user")

    new = key_of(first)
    assert new != old
    assert (await client.second(first, hall.shows(old))).status == 401
    assert (await client.second(first, hall.shows(new))).status == 200
    assert (await hall.shown())["twoFactorConfirmed"] is True


async def test_enrolling_anew_ends_sessions_and_pending_logins_and_is_told(hall):
    key = await hall.enrolled()
    client = hall.client()
    first = await client.login("user")
    opened = await client.second(first, hall.shows(key))
    hall.next_step()
    pending = await client.login("user")

    await hall.put("user", twoFactorConfirmed=False)

    assert (await client.get(f"{REST}/me", headers=session(opened))).status == 401
    answer = await client.second(pending, hall.shows(key))
    assert refusal(answer)[2] == "invalidTwoFactorToken"
    assert (await hall.mailed("factor-reset"))["name"] == "user"
    [record] = await hall.facts("factor.reset")
    assert record["by"] == hall.users["root"]


async def test_confirming_is_told_and_recorded(hall):
    await hall.enrolled()

    assert (await hall.mailed("factor-added"))["kind"] == "totp"
    [begun], [confirmed] = await hall.facts("enrol.begun"), await hall.facts("enrol.confirmed")
    assert begun["ceremony"] != ""
    assert (confirmed["aal"], confirmed["amr"]) == (2, ["pwd", "otp", "mfa"])


async def test_disabling_keeps_the_key_for_when_it_is_enabled_again(hall):
    key = await hall.enrolled()
    client = hall.client()

    await hall.put("user", isTwoFactorUser=False)
    shown = await hall.shown()
    assert (shown["isTwoFactorUser"], shown["twoFactorConfirmed"]) == (False, True)
    assert (await client.login("user")).status == 200
    assert (await hall.mailed("second-step-off"))["name"] == "user"

    await hall.put("user", isTwoFactorUser=True)
    first = await client.login("user")
    assert (first.status, first.header("qrdata")) == (202, None)
    assert (await client.second(first, hall.shows(key))).status == 200


async def test_disabling_has_no_effect_where_everybody_must(hall):
    key = await hall.enrolled()
    await hall.put("user", isTwoFactorUser=False)
    await hall.level(2)
    client = hall.client()

    first = await client.login("user")
    assert first.status == 202
    assert (await client.second(first, hall.shows(key))).status == 200

    # Whoever took the second step where it was demanded takes it where it is not.
    await hall.level(1)
    assert (await hall.shown())["isTwoFactorUser"] is True
    assert (await client.login("user")).status == 202


async def test_a_secret_of_null_forgets_everything(hall):
    await hall.enrolled()

    await hall.put("user", twoFactorSecret=None)

    shown = await hall.shown()
    assert (shown["isTwoFactorUser"], shown["twoFactorConfirmed"]) == (False, False)
    assert (await hall.client().login("user")).status == 200


async def test_a_pending_key_is_forgotten_too(hall):
    await hall.user()
    await hall.put("user", isTwoFactorUser=True)
    client = hall.client()
    first = uri_of(await client.login("user"))

    await hall.put("user", twoFactorSecret=None)
    await hall.put("user", isTwoFactorUser=True)

    assert uri_of(await client.login("user")) != first


async def test_parameters_stay_with_the_key_they_were_made_with(hall):
    await hall.user()
    await hall.put("user", isTwoFactorUser=True)
    client = hall.client()
    pending = await client.login("user")
    hall.configure(algorithm="SHA256", digits=8, period=60, issuer="another")

    assert parameters_of(await client.login("user")) == {
        **parameters_of(pending),
        "issuer": "another",
    }
    key = key_of(pending)
    hall.clock.forward(60)
    first = await client.login("user")
    assert (await client.second(first, hall.shows(key))).status == 200

    await hall.put("user", twoFactorConfirmed=False)
    told = parameters_of(await client.login("user"))
    assert (told["algorithm"], told["digits"], told["period"]) == ("SHA256", "8", "60")


@pytest.mark.parametrize(("digits", "period"), [(6, 30), (8, 30), (6, 60), (8, 15)])
async def test_a_key_works_with_the_parameters_of_the_settings(hall, digits, period):
    hall.configure(digits=digits, period=period)
    await hall.user()
    await hall.put("user", isTwoFactorUser=True)
    client = hall.client()
    first = await client.login("user")

    code = hall.shows(key_of(first), digits=digits, period=period)

    assert (await client.second(first, code)).status == 200


@pytest.mark.parametrize("skew", [0, 1, 2])
@pytest.mark.parametrize("confirmed", [False, True])
async def test_a_code_may_be_so_many_steps_off(hall, skew, confirmed):
    hall.configure(skew=skew)
    client = hall.client()
    for steps in range(-3, 4):
        name = f"user{steps + 3}"
        if confirmed:
            key = await hall.enrolled(name)
            hall.clock.forward(600)
            first = await client.login(name)
        else:
            await hall.user(name)
            await hall.put(name, isTwoFactorUser=True)
            first = await client.login(name)
            key = key_of(first)
        answer = await client.second(first, hall.shows(key, steps=steps))
        assert answer.status == (200 if abs(steps) <= skew else 401), steps


async def test_a_factor_bound_elsewhere_is_asked_for_here(hall):
    await hall.user("user", "totp")
    client = hall.client()

    first = await client.login("user")

    assert (first.status, first.header("qrdata")) == (202, None)
    assert (await client.second(first, hall.code("user"))).status == 200


async def test_a_code_that_was_mailed_answers_here_too(hall):
    await hall.user("user", "email")
    client = hall.client()

    first = await client.login("user")

    assert first.status == 202
    assert (await client.second(first, (await hall.mailed())["code"])).status == 200


async def test_a_factor_set_up_here_is_asked_for_elsewhere(hall):
    key = await hall.enrolled()
    client = hall.client()

    begun = await client.start("user", PASSWORD)
    assert begun.json["state"] == "second_factor"
    verified = await client.verify(hall.shows(key))

    assert verified.json["state"] == "done"


async def test_a_user_who_is_wanted_to_enrol_must_elsewhere_as_well(hall):
    await hall.user()
    await hall.put("user", isTwoFactorUser=True)

    assert (await hall.client().start("user", PASSWORD)).json["state"] == "enroll"


OWN = [
    ({"isTwoFactorUser": True}, 200),
    ({"locale": "de"}, 200),
    ({"isTwoFactorUser": False}, 403),
    ({"twoFactorConfirmed": False}, 403),
    ({"twoFactorSecret": None}, 403),
    ({"passwordAttempts": 0}, 403),
    ({"blocked": False}, 403),
    ({"name": "other"}, 403),
    ({"eMail": "other@example.org"}, 403),
    ({"isAdmin": True}, 422),
    ({"sessionIds": [], "unknown": 1}, 200),
]


@pytest.mark.parametrize("path", ["me", "User/{id}"])
@pytest.mark.parametrize(("body", "status"), OWN, ids=str)
async def test_a_user_may_strengthen_itself_and_no_more(hall, path, body, status):
    id = await hall.user("user", "totp")
    client = hall.client()
    shown = session(await client.second(await client.login("user"), hall.code("user")))
    hall.clock.forward(400)

    answer = await client.put(f"{REST}/{path.format(id=id)}", body, headers=shown)

    assert answer.status == status


async def test_a_user_may_weaken_itself_right_after_a_second_factor(hall):
    key = await hall.enrolled()
    client = hall.client()
    first = await client.login("user")
    shown = session(await client.second(first, hall.shows(key)))

    answer = await client.put(f"{REST}/me", {"isTwoFactorUser": False}, headers=shown)

    assert answer.status == 200
    assert (await hall.shown())["isTwoFactorUser"] is False


async def test_nobody_weakens_itself_where_everybody_must(hall):
    key = await hall.enrolled()
    await hall.level(2)
    client = hall.client()
    first = await client.login("user")
    shown = session(await client.second(first, hall.shows(key)))

    for body in ({"isTwoFactorUser": False}, {"twoFactorConfirmed": False}):
        assert (await client.put(f"{REST}/me", body, headers=shown)).status == 403


async def test_a_session_of_a_password_alone_weakens_nothing(hall):
    await hall.enrolled()
    hall.configure(whitelist="192.0.2.7")
    client = hall.client()
    shown = session(await client.login("user"))

    answer = await client.put(f"{REST}/me", {"isTwoFactorUser": False}, headers=shown)

    assert refusal(answer) == (403, "A fresh second factor is needed for this", None)


@pytest.mark.parametrize(
    "body",
    [
        {"isTwoFactorUser": False},
        {"twoFactorConfirmed": False},
        {"twoFactorSecret": None},
        {"password": "another good long one"},
    ],
    ids=str,
)
async def test_an_administrators_session_that_was_left_open_does_not_weaken_its_owner(hall, body):
    key = await hall.enrolled("boss")
    await hall.put("boss", isAdmin=True)
    client = hall.client()
    first = await client.login("boss")
    shown = session(await client.second(first, hall.shows(key)))
    hall.clock.forward(400)

    other = await hall.user()
    assert (await client.put(f"{REST}/User/{other}", body, headers=shown)).status == 200
    assert (await client.put(f"{REST}/me", body, headers=shown)).status == 403

    hall.clock.forward(400)
    first = await client.login("boss")
    fresh = session(await client.second(first, hall.shows(key)))
    assert (await client.put(f"{REST}/me", body, headers=fresh)).status == 200
