"""The page behind "It was not me": looking at it does nothing, and pressing its button ends it."""

import pytest

from tests.faces.house import PASSWORD
from tests.faces.test_pages import Browser


@pytest.fixture
async def asked(house):
    """A sign-in that has just been sent a code, and that code's letter."""
    await house.add("dave", "email")
    client = house.client()
    await client.start("dave", PASSWORD)
    return client, await house.mailed()


async def test_only_the_button_ends_what_the_code_was_asked_for(house, asked):
    client, letter = asked
    path, _, token = letter["link"].removeprefix(house.base_url).partition("#")
    browser = Browser(house)

    await browser.visit(path)
    assert (await client.post("/v1/ceremony/verify", {"code": "000000"})).code == "code-rejected"
    await browser.send("/disown", token=token)

    assert browser.page.answer.status == 200
    assert "The code is void" in browser.page.words
    late = await client.post("/v1/ceremony/verify", {"code": letter["code"]})
    assert late.code == "ceremony-consumed"


async def test_a_link_of_nobody_is_refused_and_can_be_mended(house, asked):
    client, letter = asked
    browser = Browser(house)
    await browser.visit("/disown")

    await browser.send("/disown", token="t1.nonsense")

    assert browser.page.answer.status >= 400
    assert browser.page.form("/disown")["f"]["token"] == "t1.nonsense"
    right = await client.post("/v1/ceremony/verify", {"code": letter["code"]})
    assert right.json["state"] == "done"


async def test_another_site_cannot_press_the_button(house, asked):
    """A101: what is sent without the page's own token changes nothing."""
    client, letter = asked
    token = letter["link"].partition("#")[2]

    forged = await house.browser().ask("POST", "/disown", form={"token": token})

    assert forged.status == 403
    right = await client.post("/v1/ceremony/verify", {"code": letter["code"]})
    assert right.json["state"] == "done"
