"""How many wrong passwords and codes are borne: section 6 and ruling 9.4."""

import pytest

from tests.dialects.structr.hall import PASSWORD, REST, WRONG, refusal

LOCKED = (401, "Too many failed login attempts", "loginAttempts")
GENERIC = (401, WRONG, None)
SHUT = "tooManyTwoFactorAttempts"


@pytest.mark.parametrize("most", [1, 4, 12])
@pytest.mark.parametrize("name", ["user", "nobody"])
async def test_the_wrong_password_beyond_the_limit_locks(hall, most, name):
    hall.configure(max_failed_passwords=most)
    await hall.user()
    client = hall.client()

    said = [refusal(await client.login(name, "wrong")) for _ in range(most + 2)]

    # For a name that nobody has as well, or the answer would tell who has one.
    assert said == [GENERIC] * most + [LOCKED] * 2
    assert refusal(await client.login(name)) == LOCKED


async def test_the_lock_stays_until_an_administrator_lifts_it(hall):
    await hall.user()
    client = hall.client()
    for _ in range(5):
        await client.login("user", "wrong")
    assert (await hall.shown())["passwordAttempts"] == 5

    hall.clock.forward(86_400)
    assert refusal(await client.login("user")) == LOCKED
    await hall.put("user", passwordAttempts=0)

    assert (await hall.shown())["passwordAttempts"] == 0
    assert (await client.login("user")).status == 200


async def test_another_process_tells_of_the_lock_to_whoever_knows_the_password_only(hall):
    await hall.user()
    client = hall.client()
    for _ in range(5):
        await client.login("user", "wrong")
    hall.engine.gate._seen.clear()

    assert refusal(await client.login("user", "wrong")) == GENERIC
    assert refusal(await client.login("user")) == LOCKED


async def test_a_new_password_lifts_the_lock(hall):
    await hall.user()
    client = hall.client()
    for _ in range(5):
        await client.login("user", "wrong")

    await hall.put("user", password="another good long one")
    hall.engine.gate._seen.clear()

    assert (await client.login("user", "another good long one")).status == 200


async def test_a_right_password_forgets_the_wrong_ones(hall):
    await hall.user()
    client = hall.client()
    for _ in range(3):
        for _ in range(4):
            assert refusal(await client.login("user", "wrong")) == GENERIC
        assert (await client.login("user")).status == 200
    assert (await hall.shown())["passwordAttempts"] == 0


async def test_header_logins_count_each_wrong_password_once(hall):
    await hall.user()
    client = hall.client(headers={"x-user": "user", "x-password": "wrong"})

    for _ in range(3):
        assert refusal(await client.get(f"{REST}/me")) == GENERIC

    assert (await hall.shown())["passwordAttempts"] == 3


async def test_a_lock_that_is_switched_off_never_locks_for_good(hall):
    hall.configure(max_failed_passwords=0)
    await hall.user()
    client = hall.client()
    for _ in range(9):
        assert refusal(await client.login("user", "wrong")) == GENERIC

    assert (await client.login("user")).status == 200


async def test_the_fifth_wrong_code_ends_its_token(hall):
    key = await hall.enrolled()
    client = hall.client()
    first = await client.login("user")

    said = [refusal(await client.second(first, hall.another(key)))[2] for _ in range(6)]

    assert said == ["wrongTwoFactorCode"] * 5 + ["invalidTwoFactorToken"]
    assert refusal(await client.second(first, hall.shows(key)))[2] == "invalidTwoFactorToken"
    first = await client.login("user")
    assert (await client.second(first, hall.shows(key))).status == 200


async def guess(hall, client, key, times):
    said = []
    while len(said) < times:
        first = await client.login("user")
        assert first.status == 202
        for _ in range(min(4, times - len(said))):
            answer = await client.second(first, hall.another(key))
            said.append(refusal(answer)[2])
    return said


async def test_ten_wrong_codes_lock_the_second_step_and_it_alone(hall):
    key = await hall.enrolled()
    client = hall.client()
    assert await guess(hall, client, key, 10) == ["wrongTwoFactorCode"] * 10

    first = await client.login("user")
    answer = await client.second(first, hall.shows(key))

    assert first.status == 202
    assert refusal(answer)[2] == SHUT
    assert answer.header("retry-after") == "900"
    hall.clock.forward(901)
    first = await client.login("user")
    assert (await client.second(first, hall.shows(key))).status == 200


async def test_a_right_password_does_not_forget_wrong_codes_and_a_right_code_does(hall):
    key = await hall.enrolled()
    client = hall.client()
    await guess(hall, client, key, 9)
    first = await client.login("user")
    assert (await client.second(first, hall.shows(key))).status == 200
    hall.next_step()

    await guess(hall, client, key, 9)
    first = await client.login("user")
    assert (await client.second(first, hall.shows(key))).status == 200


@pytest.mark.parametrize("most", [5, 20])
async def test_the_number_of_wrong_codes_is_a_setting(hall, most):
    hall.configure(max_failed_codes=most)
    key = await hall.enrolled()
    client = hall.client()
    await guess(hall, client, key, most)

    first = await client.login("user")

    assert refusal(await client.second(first, hall.shows(key)))[2] == SHUT


async def test_switched_off_neither_token_nor_user_is_locked(hall):
    hall.configure(max_failed_codes=0, login_timeout=600)
    key = await hall.enrolled()
    client = hall.client()
    first = await client.login("user")
    for _ in range(40):
        assert refusal(await client.second(first, hall.another(key)))[2] == "wrongTwoFactorCode"

    assert (await client.second(first, hall.shows(key))).status == 200


async def test_wrong_codes_count_here_and_elsewhere_together(hall):
    key = await hall.enrolled()
    client = hall.client()
    await guess(hall, client, key, 6)
    for _ in range(2):
        await client.start("user", PASSWORD)
        for _ in range(2):
            answer = await client.verify(hall.another(key))
            assert answer.status == 422

    first = await client.login("user")
    assert refusal(await client.second(first, hall.shows(key)))[2] == SHUT


async def test_a_user_who_is_blocked_meanwhile_does_not_get_in(hall):
    key = await hall.enrolled()
    client = hall.client()
    first = await client.login("user")

    await hall.put("user", blocked=True)

    assert refusal(await client.second(first, hall.shows(key)))[2] == "invalidTwoFactorToken"


async def test_a_user_who_is_locked_meanwhile_does_not_get_in(hall):
    key = await hall.enrolled()
    client = hall.client()
    first = await client.login("user")
    for _ in range(5):
        await client.login("user", "wrong")

    assert refusal(await client.second(first, hall.shows(key)))[2] == "invalidTwoFactorToken"


async def test_a_source_that_tries_many_names_waits(hall):
    client = hall.client()
    for number in range(50):
        await client.login(f"user{number}", "wrong")

    answer = await client.login("another", "wrong")

    assert refusal(answer) == LOCKED
    assert int(answer.header("retry-after")) > 0
