"""Form logins, the bundled page, and what pages of other origins may do."""

import pytest

from tests.dialects.structr.hall import PASSWORD, REST, key_of, session

FOREIGN = {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}
APP = "https://app.example"


async def signs_in(client, name="user", password=PASSWORD, **fields):
    form = {"name": name, "password": password, **fields}
    return await client.post("/structr/login", form=form)


@pytest.mark.parametrize(
    ("target", "place"),
    [
        (None, "/"),
        ("/app?x=1", "/app?x=1"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("https:evil.example", "/"),
        ("/\t/evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/%2F/evil.example", "/"),
    ],
)
@pytest.mark.parametrize("act", ["login", "logout"])
async def test_a_form_leads_to_a_path_of_this_site_and_nowhere_else(hall, act, target, place):
    await hall.user()
    client = hall.browser()
    form = {"name": "user", "password": PASSWORD} if act == "login" else {}
    if target is not None:
        form["targetPath"] = target

    answer = await client.post(f"/structr/{act}", form=form)

    assert (answer.status, answer.header("location")) == (302, place)


async def test_a_form_login_opens_a_session_and_a_form_logout_ends_it(hall):
    await hall.user()
    client = hall.browser()

    answer = await signs_in(client)
    shown = session(answer)
    assert (await client.get(f"{REST}/me")).status == 200
    await client.post("/structr/logout")

    assert (await hall.client().get(f"{REST}/me", headers=shown)).status == 401


async def test_a_refused_form_login_says_so_in_the_address_and_header(hall):
    await hall.enrolled()
    client = hall.browser()

    answer = await signs_in(client, password="wrong")
    assert (answer.status, answer.header("location")) == (302, "/?status=401")
    answer = await client.post(
        "/structr/login", form={"twoFactorToken": "x", "twoFactorCode": "123456"}
    )
    assert answer.header("reason") == "invalidTwoFactorToken"


async def test_a_page_of_the_application_is_given_token_and_picture(hall):
    hall.configure(login_page="/my/page?x=1")
    await hall.user()
    await hall.put("user", isTwoFactorUser=True)

    answer = await signs_in(hall.browser())

    assert answer.status == 302
    assert answer.header("location").startswith("/my/page?x=1&token=t1.")
    assert "&qrdata=iVBORw0KGgo" in answer.header("location")
    assert answer.header("token") in answer.header("location")
    key = key_of(answer)
    second = await hall.browser().post(
        "/structr/login",
        form={"twoFactorToken": answer.header("token"), "twoFactorCode": hall.shows(key)},
    )
    assert (second.status, second.header("location")) == (302, "/")


async def test_the_bundled_page_does_the_second_step(hall):
    await hall.user()
    await hall.put("user", isTwoFactorUser=True)
    client = hall.browser()

    begun = await signs_in(client)
    assert (begun.status, begun.header("location")) == (302, "/twofactor")
    key = key_of(begun)
    page = await client.get("/twofactor")
    assert "data:image/png;base64,iVBORw0KGgo" in page.text
    wrong = await client.post("/twofactor", form={"code": hall.another(key)})
    assert (wrong.status, "Invalid code" in wrong.text) == (401, True)
    done = await client.post("/twofactor", form={"code": f" {hall.shows(key)} "})

    assert (done.status, done.header("location")) == (303, "/")
    assert (await client.get(f"{REST}/me")).status == 200
    assert set(client.jar) == {"JSESSIONID"}


async def test_what_comes_in_the_address_goes_out_of_it_at_once(hall):
    key = await hall.enrolled()
    client = hall.browser()
    first = await client.login("user")

    moved = await client.get(f"/twofactor?token={first.header('token')}&qrdata=")

    assert (moved.status, moved.header("location")) == (303, "/twofactor")
    assert moved.header("cache-control") == "no-store"
    assert moved.header("referrer-policy") == "no-referrer"
    cookie = moved.cookies()["twofactor_token"]
    assert (cookie["HttpOnly"], cookie["SameSite"], cookie["Path"]) == ("", "Strict", "/twofactor")
    assert cookie["Max-Age"] == "30"
    page = await client.get("/twofactor")
    assert first.header("token") not in page.text
    assert "<img" not in page.text
    done = await client.post("/twofactor", form={"code": hall.shows(key)})
    assert done.status == 303


@pytest.mark.parametrize(
    "query",
    ["token=", "token=a%20b", "token=%22%3E", "qrdata=x", "token=ok&qrdata=%22%3E%3Cscript%3E"],
)
async def test_what_is_no_token_or_picture_is_not_kept(hall, query):
    client = hall.browser()

    await client.get(f"/twofactor?{query}")
    page = await client.get("/twofactor")

    assert "<script" not in page.text
    assert "<img" not in page.text


async def test_a_page_of_another_site_does_not_hand_over_a_token(hall):
    client = hall.browser()

    answer = await client.get("/twofactor?token=x&qrdata=y", headers=FOREIGN)

    assert (answer.status, client.jar) == (403, {})


async def test_a_sign_in_that_is_over_is_said_to_be(hall):
    key = await hall.enrolled()
    client = hall.browser()
    await signs_in(client)
    hall.clock.forward(31)

    for _ in range(2):
        late = await client.post("/twofactor", form={"code": hall.shows(key)})
        assert (late.status, "This sign-in is over" in late.text) == (401, True)
    assert "This sign-in is over" in (await client.get("/twofactor")).text


async def test_a_foreign_page_signs_nobody_in_and_changes_nothing(hall):
    await hall.user("boss", admin=True)
    id = await hall.user()
    client = hall.browser()
    await client.login("boss")

    for method, path, body in (
        ("POST", f"{REST}/login", {"name": "user", "password": PASSWORD}),
        ("POST", f"{REST}/token", {"name": "user", "password": PASSWORD}),
        ("POST", f"{REST}/logout", None),
        ("PUT", f"{REST}/User/{id}", {"isTwoFactorUser": True}),
        ("DELETE", f"{REST}/User/{id}", None),
        ("PUT", f"{REST}/me", {"isTwoFactorUser": True}),
        ("POST", f"{REST}/User", {"name": "x"}),
    ):
        answer = await client.ask(method, path, body, headers=FOREIGN)
        assert (answer.status, answer.json["code"]) == (403, 403), path
    stranger = hall.client()
    body = {"name": "user", "password": PASSWORD}
    assert (await stranger.post(f"{REST}/login", body, headers=FOREIGN)).status == 403
    form = {"name": "user", "password": PASSWORD}
    assert (await stranger.post("/structr/login", form=form, headers=FOREIGN)).status == 403
    assert (await client.get(f"{REST}/me")).status == 200
    assert (await hall.shown())["isTwoFactorUser"] is False


async def test_an_accepted_origin_may_sign_in_and_read_what_it_needs(hall):
    hall.configure(cors_origins=(APP,), cors_credentials=True, cors_expose="X-Own, reason")
    await hall.user()
    await hall.put("user", isTwoFactorUser=True)
    there = {"origin": APP, "sec-fetch-site": "cross-site"}
    client = hall.client()

    asked = await client.ask(
        "OPTIONS", f"{REST}/login", headers={**there, "access-control-request-method": "POST"}
    )
    answer = await client.login("user", headers={**there, "cookie": "x=y"})

    assert asked.status == 200
    assert asked.header("access-control-allow-methods") == "OPTIONS, POST"
    assert (
        asked.header("access-control-allow-headers") == "Authorization, refresh_token, Content-Type"
    )
    assert asked.header("access-control-max-age") == "3600"
    assert answer.status == 202
    assert answer.header("access-control-allow-origin") == APP
    assert answer.header("access-control-allow-credentials") == "true"
    assert answer.header("access-control-expose-headers") == (
        "X-Own, reason, token, qrdata, twoFactorLoginPage"
    )


async def test_other_origins_are_granted_nothing(hall):
    hall.configure(cors_origins=(APP,))
    await hall.user()
    client = hall.client()

    for origin in ("https://evil.example", "null", f"{APP}.evil.example"):
        headers = {"origin": origin, "access-control-request-method": "POST"}
        answer = await client.ask("OPTIONS", f"{REST}/login", headers=headers)
        assert [n for n, _ in answer.headers if n.startswith(b"access-control")] == []
        assert (await client.login("user", headers={"origin": origin})).status == 403
    # Without credentials an accepted origin may call, but never with the browser's cookies.
    assert (await client.login("user", headers={"origin": APP})).status == 200
    answer = await client.login("user", headers={"origin": APP, "cookie": "JSESSIONID=x"})
    assert answer.status == 403
    hall.configure(cors_origins=("*",))
    assert (await client.login("user", headers={"origin": "https://any.example"})).status == 200


@pytest.mark.parametrize("https", [True, False])
@pytest.mark.parametrize("site", ["Lax", "Strict"])
@pytest.mark.parametrize("http_only", [True, False])
async def test_the_cookie_is_spelled_as_the_settings_say(build, https, site, http_only):
    from twofold.dialects.structr.config import SameSite

    hall = build(base_url="https://login.example" if https else "http://login.example")
    hall.configure(cookie_same_site=SameSite(site), cookie_http_only=http_only)
    await hall.user()

    cookie = (await hall.client().login("user")).cookies()["JSESSIONID"]

    assert (cookie["SameSite"], "HttpOnly" in cookie, "Secure" in cookie) == (
        site,
        http_only,
        https,
    )
