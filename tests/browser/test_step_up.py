"""A change that needs fresh proof: it is asked for once the last one is old, and leads back."""

import pytest

from tests.browser.eyes import Eyes
from tests.browser.walk import PASSWORD, Walk
from tests.support.server import running_server, twofold

pytestmark = [pytest.mark.browser, pytest.mark.realparts]


@pytest.fixture
def server(tmp_path):
    with running_server(tmp_path, config={"policy": {"fresh": 1}}) as running:
        made = twofold(
            "user", "add", "alice", "--password-stdin", data=running.data, stdin=PASSWORD
        )
        assert made.returncode == 0, made.stderr
        yield running


@pytest.mark.parametrize("scripts", [True, False], ids=["script", "plain"])
async def test_a_proof_that_is_old_is_asked_for_again_and_leads_back(server, browser, scripts):
    context = await browser.new_context(java_script_enabled=scripts, reduced_motion="reduce")
    page = await context.new_page()
    eyes = Eyes(page, server.url, None, scripts=scripts)
    walk = Walk(page, server, eyes, scripts=scripts)
    await walk.signs_in("alice", PASSWORD)

    for _ in range(1_000):
        await walk.opens("/account")
        await walk.presses("/account/open", to="export")
        if not page.url.endswith("/account/export"):
            break
    await walk.at("/login/password", "step-up")
    await walk.fills(password=PASSWORD)
    await walk.presses("/login/password")

    await walk.at("/account/export", "export")
    assert eyes.faults == []
