"""``/registration`` and ``/reset-password``, for people who are not signed in."""

import pytest

from tests.dialects.structr.hall import PASSWORD, REST, refusal


async def test_registration_is_off_until_a_setting_says_otherwise(hall):
    answer = await hall.client().post(f"{REST}/registration", {"eMail": "a@example.org"})

    assert refusal(answer)[0] == 403


async def test_whoever_registers_gets_mail_and_cannot_sign_in_before_it_is_answered(hall):
    hall.configure(autocreate=True)
    client = hall.client()
    body = {"eMail": "a@example.org", "name": "newcomer", "password": PASSWORD}

    answer = await client.post(f"{REST}/registration", body)

    assert (answer.status, answer.json["result"]) == (201, {})
    assert (await hall.mailed("verify-address"))["code"]
    assert (await client.login("newcomer")).status == 401
    hall.configure(login_unconfirmed=True)
    body = {"eMail": "b@example.org", "name": "second", "password": PASSWORD}
    assert (await client.post(f"{REST}/registration", body)).status == 201
    assert (await client.login("second")).status == 200


async def test_an_address_that_is_known_gets_the_same_answer(hall):
    hall.configure(autocreate=True)
    id = await hall.user()
    client = hall.client()

    fresh = await client.post(f"{REST}/registration", {"eMail": "a@example.org"})
    known = await client.post(f"{REST}/registration", {"eMail": "USER@example.org "})

    assert (fresh.status, fresh.body) == (known.status, known.body)
    assert (await hall.shown())["id"] == id
    assert (await client.login("user@example.org")).json["result"]["id"] == id
    assert await hall.mailed("registered-again") is not None


@pytest.mark.parametrize("path", ["registration", "reset-password"])
@pytest.mark.parametrize("email", [None, "", " ", 5, "nonsense", ["a@example.org"]])
async def test_an_address_must_be_given(hall, path, email):
    hall.configure(autocreate=True)

    answer = await hall.client().post(f"{REST}/{path}", {"eMail": email})

    assert answer.status == 422
    assert answer.json["errors"][0]["property"] == "eMail"


async def test_other_properties_are_taken_only_where_the_settings_name_them(hall):
    hall.configure(autocreate=True, registration_attributes="", login_unconfirmed=True)
    client = hall.client()
    body = {"eMail": "a@example.org", "name": "wished", "password": PASSWORD, "isAdmin": True}

    assert (await client.post(f"{REST}/registration", body)).status == 201

    assert (await client.login("wished")).status == 401
    ruler = await hall.ruler()
    [made] = (await ruler.get(f"{REST}/User/ui?eMail=a@example.org")).json["result"]
    assert (made["isAdmin"], made["name"] == "wished") == (False, False)


async def test_a_name_that_is_taken_is_said(hall):
    hall.configure(autocreate=True)
    await hall.user()

    answer = await hall.client().post(
        f"{REST}/registration", {"eMail": "a@example.org", "name": "user"}
    )

    assert answer.json["errors"] == [{"type": "User", "property": "name", "token": "already_taken"}]


async def test_a_new_password_is_set_by_mail_and_opens_no_session(hall):
    key = await hall.enrolled()
    client = hall.client()

    answer = await client.post(f"{REST}/reset-password", {"eMail": "user@example.org"})
    assert (answer.status, answer.json["result"]) == (200, {})
    token = (await hall.mailed("reset-password"))["code"]
    body = {"token": token, "new_password": "another good long one"}
    assert (await client.post("/v1/account/password/reset/confirm", body)).status in {200, 204}

    first = await client.login("user", "another good long one")
    assert (first.status, first.header("qrdata")) == (202, None)
    assert (await client.second(first, hall.shows(key))).status == 200


async def test_nobody_learns_whose_address_it_is(hall):
    await hall.user()
    client = hall.client()

    known = await client.post(f"{REST}/reset-password", {"eMail": "user@example.org"})
    unknown = await client.post(f"{REST}/reset-password", {"eMail": "nobody@example.org"})

    assert (known.status, known.body) == (unknown.status, unknown.body)


async def test_links_are_good_as_long_as_the_settings_say(hall):
    hall.configure(autocreate=True, reset_minutes=30, registration_minutes=2_880)
    await hall.user()
    client = hall.client()
    await client.post(f"{REST}/reset-password", {"eMail": "user@example.org"})
    await client.post(f"{REST}/registration", {"eMail": "a@example.org"})
    reset = (await hall.mailed("reset-password"))["code"]
    verify = (await hall.mailed("verify-address"))["code"]

    hall.clock.forward(30 * 60)
    body = {"token": reset, "new_password": "another good long one"}
    assert (await client.post("/v1/account/password/reset/confirm", body)).status == 410
    hall.clock.forward(2_849 * 60)
    confirmed = await client.post("/v1/account/verification/confirm", {"token": verify})
    assert confirmed.status in {200, 204}, confirmed.text
