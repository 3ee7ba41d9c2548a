"""The theme of a realm: set by administrators, worn by its pages, and no way in for anybody."""

import base64
import json

import pytest

from tests.faces.house import Client
from tests.faces.test_pages import Browser
from twofold.core.effects import PutDocument
from twofold.core.errors import Unavailable
from twofold.core.theme import THEME, Theme
from twofold.core.types import DEFAULT_REALM, Document

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20
LOGO = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"


async def administrator(house) -> Client:
    await house.add("root", "totp", admin=True)
    client = house.client()
    await client.start("root")
    await client.verify(house.code("root"))
    return client


async def shown(house, path="/login"):
    return await house.client().get(path)


async def set_to(house, version=0, **theme):
    root = house.root = house.root or await administrator(house)
    return await root.put("/admin/v1/theme", {"theme": theme, "version": version})


async def test_an_administrator_sees_and_changes_the_theme(kept):
    root = kept.root = await administrator(kept)

    before = await root.get("/admin/v1/theme")
    assert before.json["version"] == 0
    assert before.json["theme"]["accent"] == Theme().accent
    after = await set_to(kept, name="Acme", accent="#0b57d0")
    assert (after.status, after.json["version"]) == (200, 1)
    assert after.json["theme"]["name"] == "Acme"

    assert "theme.changed" in await kept.events()
    assert (await root.get("/admin/v1/theme")).json == after.json


async def test_pages_wear_the_theme_within_seconds(house):
    assert ">Twofold<" in (await shown(house)).text

    await set_to(house, name="Acme", help="https://help.example/2fa", lost="Call 4711.")

    house.clock.forward(6)
    page = (await shown(house)).text
    assert ">Acme<" in page
    assert 'href="https://help.example/2fa"' in page
    assert "<title>Sign in · Acme</title>" in page


async def test_what_pages_are_shown_is_escaped(house):
    await set_to(house, name="<b>&'\"")
    house.clock.forward(6)

    page = (await shown(house)).text

    assert "<b>&" not in page
    assert "&lt;b&gt;" in page


async def test_colours_are_a_style_sheet_of_our_own(house):
    first = (await shown(house)).text.partition('href="/theme.css?')[2].partition('"')[0]
    await set_to(house, accent="#0b57d0")
    house.clock.forward(6)

    second = (await shown(house)).text.partition('href="/theme.css?')[2].partition('"')[0]
    sheet = await shown(house, f"/theme.css?{second}")

    assert first != second
    assert sheet.header("content-type") == "text/css; charset=utf-8"
    assert "--act:#0b57d0" in sheet.text
    assert "prefers-color-scheme:dark" in sheet.text


async def test_a_contrast_that_is_too_low_is_named(house):
    answer = await set_to(house, accent="#ffff00")

    assert (answer.status, answer.code) == (400, "malformed")
    assert answer.json["field"] == "accent"
    assert "1.07" in answer.json["detail"]


async def test_two_administrators_never_overwrite_each_other_unseen(house):
    assert (await set_to(house, name="One")).status == 200

    answer = await set_to(house, name="Two")

    assert answer.status == 409
    assert (await set_to(house, 1, name="Two")).json["version"] == 2


async def test_a_picture_is_served_by_us_and_runs_nothing(house):
    assert (await shown(house, "/theme/logo")).status == 404
    await set_to(house, logo=LOGO)
    house.clock.forward(6)

    page = (await shown(house)).text
    answer = await shown(house, "/theme/logo")

    assert 'src="/theme/logo?' in page
    assert LOGO not in page
    assert answer.body == PNG
    assert answer.header("content-type") == "image/png"
    assert answer.header("content-security-policy") == "default-src 'none'; sandbox"
    assert answer.header("x-content-type-options") == "nosniff"


async def test_what_comes_from_elsewhere_is_allowed_by_its_origin_and_no_further(house):
    await set_to(
        house, logo="https://img.example/a/logo.svg", stylesheet="https://css.example:8443/x.css?y"
    )
    house.clock.forward(6)

    answer = await shown(house)

    policy = dict(
        part.strip().split(" ", 1) for part in answer.header("content-security-policy").split(";")
    )
    assert policy["img-src"] == "'self' data: https://img.example"
    assert policy["style-src"].endswith(" https://css.example:8443")
    assert policy["font-src"] == "https://css.example:8443"
    assert policy["script-src"].startswith("'nonce-")
    assert " " not in policy["script-src"]


@pytest.mark.parametrize(
    "body", ["{", '{"accent": "#ffff00"}', '{"unknown": 1}', json.dumps({"name": "x" * 99})]
)
async def test_a_document_that_makes_no_sense_locks_nobody_out(house, body):
    await house.add("carol")
    await house.store.commit(PutDocument(Document(DEFAULT_REALM, *THEME, body, 1)))

    browser = Browser(house)
    await browser.visit("/login")

    assert ">Twofold<" in browser.page.answer.text


class Failing:
    """A store whose documents cannot be read."""

    def __init__(self, store):
        self._store = store

    def __getattr__(self, name):
        return getattr(self._store, name)

    async def document(self, realm, kind, name):
        if kind == "theme":
            raise Unavailable
        return await self._store.document(realm, kind, name)


async def test_a_theme_that_cannot_be_read_locks_nobody_out(build):
    house = build()
    object.__setattr__(house.engine, "store", Failing(house.engine.store))

    assert (await shown(house)).status == 200


async def test_the_settings_dress_a_realm_that_says_nothing(build):
    house = build(front={"theme": Theme(name="From the file")})

    assert ">From the file<" in (await shown(house)).text
    await set_to(house, accent="#0b57d0")
    house.clock.forward(6)
    assert ">From the file<" in (await shown(house)).text


async def test_only_administrators_change_it(house):
    await house.add("carol")
    client = house.client()
    await client.start("carol")

    for answer in (
        await client.get("/admin/v1/theme"),
        await client.put("/admin/v1/theme", {"theme": {}, "version": 0}),
        await house.client().get("/admin/v1/theme"),
    ):
        assert answer.status in {401, 403}


async def test_the_api_never_reads_the_theme(house):
    """The hot path pays nothing for the looks of pages."""
    await house.add("carol")
    asked = []
    read = house.store.document

    async def document(realm, kind, name):
        asked.append(kind)
        return await read(realm, kind, name)

    house.store.document = document
    client = house.client()
    await client.start("carol")
    await client.get("/v1/session")
    assert "theme" not in asked

    for _ in range(3):
        await shown(house)

    assert asked.count("theme") == 1
