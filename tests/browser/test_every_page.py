"""Every page: desktop and phone, with and without scripts, light and dark, English and German.

Four walks hold each pair of these; a picture of each page, and what it weighs, is kept in
the directory that ``SCREENSHOTS`` names, if it names one.
"""

import os
from pathlib import Path

import pytest

from tests.browser.eyes import Eyes
from tests.browser.walk import PASSWORD, Walk
from tests.support.server import running_server, twofold

pytestmark = [pytest.mark.browser, pytest.mark.realparts]

ADDRESS, LATER, STAFF = "zoe@example.net", "zoe@example.com", "sam"
RULES = {
    "policy": {
        "registration": True,
        "deletion": True,
        "grace": 3 * 86_400,
        "groups": {"staff": "required"},
    },
    "totp": {"past": 10, "future": 1},
    "email": {"code_cooldown": 0},
}
DESKTOP = {"viewport": {"width": 1280, "height": 800}}
PHONE = {"viewport": {"width": 375, "height": 720}, "has_touch": True, "is_mobile": True}
VISITORS = {
    "desktop-light-script-en": DESKTOP | {"color_scheme": "light", "locale": "en-US"},
    "phone-dark-plain-en": PHONE | {"color_scheme": "dark", "locale": "en-US"},
    "desktop-dark-plain-de": DESKTOP | {"color_scheme": "dark", "locale": "de-DE"},
    "phone-light-script-de": PHONE | {"color_scheme": "light", "locale": "de-DE"},
}


@pytest.fixture
def server(tmp_path):
    with running_server(tmp_path, config=RULES) as running:
        added = twofold(
            "user", "add", STAFF, "--group", "staff", "--password-stdin",
            data=running.data, stdin=PASSWORD,
        )  # fmt: skip
        assert added.returncode == 0, added.stderr
        yield running


@pytest.mark.parametrize("name", VISITORS)
async def test_every_page_does_its_work_for_everybody(server, browser, name):
    scripts = "script" in name
    kept = os.environ.get("SCREENSHOTS")
    seen = []

    async def visitor():
        # Colours that fade from one scheme to the other would be judged half-way.
        context = await browser.new_context(
            java_script_enabled=scripts, reduced_motion="reduce", **VISITORS[name]
        )
        page = await context.new_page()
        page.set_default_timeout(10_000)
        album = Path(kept, name, *(["elsewhere"] if seen else [])) if kept else None
        thorough = name == "desktop-light-script-en"
        seen.append(Eyes(page, server.url, album, scripts=scripts, thorough=thorough))
        return Walk(page, server, seen[-1], scripts=scripts)

    walk = await visitor()
    await walk.registers(ADDRESS)
    await walk.signs_in(ADDRESS, PASSWORD)
    app, _ = await walk.adds_app()
    await walk.adds_mail()
    await walk.manages_methods()
    codes = await walk.renews_codes()
    await walk.changes_password()
    await walk.changes_address(LATER)
    await walk.ends_sessions([await visitor(), await visitor()], LATER, app)
    await walk.signs_out()
    await walk.proves_each_way(LATER, app, codes[0])
    await walk.forgets(LATER, app)
    await walk.leaves()
    await walk.is_made_to(STAFF)

    for eyes in seen:
        eyes.tell()
    assert [fault for eyes in seen for fault in eyes.faults] == []
    assert len(seen[0].weights) > 40
