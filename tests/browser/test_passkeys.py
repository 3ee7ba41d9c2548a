"""Passkeys in a real Chromium: its own authenticator signs, our page posts what it says.

The authenticator is the one of the DevTools protocol: a platform authenticator that keeps its keys
and has a holder who unlocks it. Nothing here knows CBOR, COSE or a signature.
"""

import pytest

from tests.support.authenticator import UV, unb64
from tests.support.server import twofold

pytestmark = [pytest.mark.browser, pytest.mark.realparts]

NAME, PASSWORD = "alice", "corridor umbrella nineteen"
PLATFORM = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}

POST = """async ([path, body]) => {
  const answer = await fetch(path, {
    method: "POST",
    headers: {"content-type": "application/json"},
    body: JSON.stringify(body),
  });
  return {status: answer.status, said: await answer.json()};
}"""

CREATE = """async (options) => {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
  return (await navigator.credentials.create({publicKey})).toJSON();
}"""

GET = """async (options) => {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
  return (await navigator.credentials.get({publicKey})).toJSON();
}"""


class Visitor:
    """A page of ours at the name under which browsers make passkeys, and what runs on it."""

    def __init__(self, page, server, remote):
        self.page = page
        self.url = server.url.replace("127.0.0.1", "localhost")
        self.remote = remote
        self.authenticator = None

    async def arrives(self):
        # Not the sign-in page: it asks for a passkey by itself, and a page asks once at a time.
        await self.page.goto(f"{self.url}/forgot-password")
        await self.remote.send("WebAuthn.enable")
        made = await self.remote.send("WebAuthn.addVirtualAuthenticator", {"options": PLATFORM})
        self.authenticator = made["authenticatorId"]

    async def posts(self, path, body):
        return await self.page.evaluate(POST, [path, body])

    async def begins(self, **body):
        return await self.posts("/v1/ceremony", {"kind": "login", "transport": "cookie", **body})

    async def creates(self, label):
        begun = await self.posts("/v1/factors", {"kind": "webauthn", "label": label})
        made = await self.page.evaluate(CREATE, begun["said"]["webauthn"])
        return await self.posts("/v1/ceremony/confirm", {"webauthn": made})

    async def signs(self, options):
        return await self.page.evaluate(GET, options)

    async def leaves(self):
        await self.page.evaluate("fetch('/v1/session', {method: 'DELETE'})")


@pytest.fixture
async def visitor(page, server):
    """A browser that may run scripts; the phone's page of the other tests may not."""
    context = await page.context.browser.new_context()
    fresh = await context.new_page()
    yield Visitor(fresh, server, await context.new_cdp_session(fresh))
    await context.close()


async def test_a_passkey_is_made_used_as_a_second_step_and_then_alone(visitor, server):
    made = twofold("user", "add", NAME, "--password-stdin", data=server.data, stdin=PASSWORD)
    assert made.returncode == 0
    await visitor.arrives()

    first = await visitor.begins(identifier=NAME, password=PASSWORD)
    assert first["said"]["state"] == "done"
    bound = await visitor.creates("This computer")
    assert bound["status"] == 200, bound
    assert bound["said"]["result"]["session"]["acr"] == "urn:twofold:aal2"
    held = await visitor.remote.send(
        "WebAuthn.getCredentials", {"authenticatorId": visitor.authenticator}
    )
    assert [key["rpId"] for key in held["credentials"]] == ["localhost"]
    await visitor.leaves()

    second = await visitor.begins(identifier=NAME, password=PASSWORD)
    assert second["said"]["state"] == "challenge"
    signed = await visitor.signs(second["said"]["webauthn"])
    done = await visitor.posts("/v1/ceremony/verify", {"webauthn": signed})
    assert done["status"] == 200, done
    assert {"pwd", "pop", "user", "mfa"} <= set(done["said"]["result"]["session"]["amr"])
    await visitor.leaves()

    await visitor.begins()
    invited = await visitor.posts("/v1/ceremony/challenge", {})
    assert invited["said"]["webauthn"]["allowCredentials"] == []
    signed = await visitor.signs(invited["said"]["webauthn"])
    assert signed["response"]["userHandle"]
    alone = await visitor.posts(
        "/v1/ceremony/first-factor", {"method": "passkey", "webauthn": signed}
    )
    assert alone["status"] == 200, alone
    assert alone["said"]["result"]["session"]["acr"] == "urn:twofold:aal2"
    await visitor.page.goto(f"{visitor.url}/account")
    assert visitor.page.url == f"{visitor.url}/account"
    assert "This computer" in await visitor.page.inner_text("main")


async def test_the_browser_does_not_make_a_second_key_for_one_person(visitor, server):
    made = twofold("user", "add", NAME, "--password-stdin", data=server.data, stdin=PASSWORD)
    assert made.returncode == 0
    await visitor.arrives()
    await visitor.begins(identifier=NAME, password=PASSWORD)
    assert (await visitor.creates("One"))["status"] == 200

    with pytest.raises(Exception, match="InvalidStateError"):
        await visitor.creates("Two")


async def test_a_page_that_asks_for_less_than_it_was_told_signs_nobody_in(visitor, server):
    made = twofold("user", "add", NAME, "--password-stdin", data=server.data, stdin=PASSWORD)
    assert made.returncode == 0
    await visitor.arrives()
    await visitor.begins(identifier=NAME, password=PASSWORD)
    assert (await visitor.creates("This computer"))["status"] == 200
    await visitor.leaves()

    await visitor.begins()
    invited = (await visitor.posts("/v1/ceremony/challenge", {}))["said"]["webauthn"]
    signed = await visitor.signs({**invited, "userVerification": "discouraged"})
    refused = await visitor.posts(
        "/v1/ceremony/first-factor", {"method": "passkey", "webauthn": signed}
    )

    assert not unb64(signed["response"]["authenticatorData"])[32] & UV
    assert refused["status"] == 422
    assert refused["said"]["type"].endswith(":invalid-credentials")
