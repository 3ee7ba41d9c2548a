"""F: what is secret is shown once, to one person, and kept sealed."""

from __future__ import annotations

import base64
import logging
import shutil
import sqlite3

import pytest

from tests.secrecy.canaries import Canaries, cells
from tests.support.catalogue import documented
from tests.support.client import Call, InProcess
from tests.support.codes import mailed
from twofold.ceremonies import admin
from twofold.core.errors import Unsealable
from twofold.core.types import Context
from twofold.web.kit import Auth

FORMS = (bytes, bytes.hex, base64.b64encode, base64.b32encode, base64.urlsafe_b64encode)


def forms(secret: bytes) -> list[bytes]:
    """A secret as it might stand somewhere."""
    found = [form(secret) for form in FORMS]
    plain = [form.encode() if isinstance(form, str) else form for form in found]
    return [*(form.rstrip(b"=") for form in plain), secret.hex().upper().encode()]


async def test_a79_no_answer_repeats_a_secret(house):
    """Secrets as properties of users (CVE-2026-111905, CVE-2019-19687)."""
    alice = await house.settle("alice")
    root = await house.settle("root", admin=True)
    secrets = [*forms(alice.app.secret), *(code.encode() for code in alice.recovery)]
    secrets += [row[0] for row in house.rows("select sealed from authenticator")]
    secrets += [row[0].encode() for row in house.rows("select key from item")]
    for person in (alice, root):
        client = await house.signed_in(person)
        for operation in documented(
            house.app.routes, Auth.SESSION, Auth.ADMIN, id=alice.factor("totp"), subject=alice.id
        ):
            call = operation.call
            if call.method != "GET":
                continue
            for path in (call.path, f"{call.path}?depth=9", f"{call.path}?fields=sealed,secret"):
                answer = await client.get(path)
                assert answer.status < 500
                assert not [s for s in secrets if s in answer.body], path


async def test_a79_an_echo_of_a_change_holds_no_secret(house):
    """PUT answers with the whole row."""
    alice = await house.settle("alice")
    client = await house.signed_in(alice)
    answer = await client.send(
        "PATCH", f"/v1/factors/{alice.factor('totp')}", {"label": "Telephone"}
    )
    assert set(answer.json()) == {
        "id", "kind", "label", "preferred", "created_at", "used_at", "hint",
    }  # fmt: skip


async def test_a81_an_error_while_a_secret_is_held_tells_nothing_of_it(house, caplog):
    """Tracebacks with the arguments of the frame (H1 244092, CVE-2024-8365)."""
    caplog.set_level(logging.DEBUG)
    alice = await house.settle("alice")
    client = house.client()
    ticket = await client.ticket("alice", alice.password)
    code = alice.app.code(house.clock.seconds)

    async def broken(*effects):
        raise RuntimeError(f"{effects} {code} {alice.password}")

    store = house.engine.store
    object.__setattr__(store, "commit", broken)
    try:
        answers = [await client.verify(ticket, code), await client.recover(ticket, "A" * 16)]
        answers.append(await client.start("alice", alice.password))
    finally:
        del store.commit

    told = caplog.text + "".join(answer.body.decode() for answer in answers)
    assert [answer.said for answer in answers] == ["500 internal-error"] * 3
    assert house.rows("select count(*) from session") == [(0,)]
    for secret in (code, alice.password, ticket, alice.app.secret.hex()):
        assert secret not in told


async def test_a83_what_shows_a_secret_is_kept_nowhere_and_read_by_no_other_site(house):
    """A QR by GET, cacheable, readable across sites (GHSA-fxq4-r6mr-9x64)."""
    alice = await house.settle("alice")
    client = await house.signed_in(alice)
    shown = await client.post("/v1/factors", {"kind": "totp"})
    codes = await client.post("/v1/recovery-codes", {})
    client = await house.signed_in(alice)
    ticket = (await client.post("/v1/factors", {})).json()["ceremony"]
    drawn = await client.step(ticket, "enroll", kind="totp", qr="png")

    for answer in (shown, codes, drawn):
        assert answer.status in {200, 201}
        assert answer.header("cache-control") == "no-store"
        assert answer.header("cross-origin-resource-policy") == "same-origin"
        assert answer.header("x-content-type-options") == "nosniff"
        assert answer.header("referrer-policy") == "no-referrer"
        assert answer.header("access-control-allow-origin") is None


async def test_a83_no_get_makes_or_shows_a_secret(house):
    """A link, a picture or a prefetch is enough."""
    alice = await house.settle("alice")
    client = await house.signed_in(alice)
    for path in ("/v1/factors", "/v1/recovery-codes"):
        before = house.rows("select * from authenticator"), house.rows("select * from item")
        answer = await client.get(path)
        assert "secret" not in answer.body.decode()
        assert before == (
            house.rows("select * from authenticator"),
            house.rows("select * from item"),
        )
    for path in ("/v1/ceremony/enroll", "/v1/ceremony/confirm", "/v1/ceremony/verify"):
        assert (await client.get(path)).said == "405 method-not-allowed"


async def test_a85_until_the_password_is_right_all_names_are_alike(house):
    """Who exists, who is locked, who has what (H1 249431, CVE-2026-23511)."""
    alice = await house.settle("alice")
    await house.settle("carol", totp=False)
    await house.settle("dave", totp=False, mail=True)
    locked = await house.settle("locked")
    shut = await house.settle("shut")
    change = admin.SubjectChange(disabled=True)
    await admin.change_subject(house.engine, Context(), "operator", shut.id, change)
    for _ in range(10):
        await house.client().start("locked", "wrong wrong wrong")
    await house.post()

    tries = [(name, "wrong wrong wrong") for name in ("alice", "carol", "dave", "nobody", "")]
    tries += [("locked", locked.password), ("shut", shut.password), ("x" * 254, "wrong wrong")]
    seen = set()
    for name, password in tries:
        answer = await house.client().start(name, password)
        body = {key: value for key, value in answer.json().items() if key != "instance"}
        headers = sorted(h for h in answer.headers if h[0] != "x-request-id")
        seen.add((answer.status, str(body), str(headers)))

    assert len(seen) == 1
    assert await house.post() == []
    assert (await house.client().start("alice", alice.password)).status == 200


async def test_a85_a_ceremony_says_who_it_is_for_only_after_the_password(house):
    """Factors and hints are listed for a name."""
    await house.settle("alice")
    answers = []
    for name in ("alice", "nobody"):
        body = {"kind": "login", "identifier": name}
        answer = (await house.client().call(Call("POST", "/v1/ceremony", body))).json()
        assert len(answer.pop("ceremony")) > 100
        answers.append(answer)
    assert answers[0] == answers[1]
    assert answers[0].get("factors", []) == []


async def test_a85_asking_for_a_reset_says_nothing_of_who_exists(house):
    """'We have sent a mail' against 'no such user'."""
    await house.settle("alice")
    seen = set()
    for name in ("alice", "alice@example.org", "nobody", "nobody@example.org", "%"):
        answer = await house.client().post("/v1/account/password/reset", {"identifier": name})
        headers = sorted(h for h in answer.headers if h[0] != "x-request-id")
        seen.add((answer.status, answer.body, str(headers)))
    assert len(seen) == 1


async def test_a89_a_stolen_database_gives_away_nothing_that_opens_anything(house, tmp_path):
    """Secrets in clear, unsalted codes, tokens as rows (CVE-2026-108904)."""
    alice = await house.settle("alice", mail=True)
    client = await house.signed_in(alice)
    ticket = await client.ticket("alice", alice.password)
    await client.step(ticket, "challenge", factor=alice.factor("email"))
    await client.post("/v1/account/password/reset", {"identifier": "alice"})
    stolen = tmp_path / "stolen"
    stolen.mkdir()
    for file in house.path.parent.glob(f"{house.path.name}*"):
        shutil.copy(file, stolen)
    raw = b"".join(file.read_bytes() for file in stolen.iterdir())
    assert (stolen / f"{house.path.name}-wal").stat().st_size > 0

    letters = await house.post()
    reset = next(letter for letter in letters if "#" in letter.text)
    secrets = [*forms(alice.app.secret), alice.password.encode(), ticket.encode()]
    secrets += [client.token.encode(), client.refresh_token.encode()]
    secrets += [reset.text.split("#")[1].split()[0].encode()]
    for code in alice.recovery:
        secrets += [code.encode(), code.replace("-", "").encode()]
    assert not [secret for secret in secrets if secret in raw]
    canaries = Canaries()
    canaries.keep("mailed code", mailed(letters, alice.email)[0])
    assert canaries.seen_in(cells(stolen / house.path.name)) == []


async def test_a89_a_secret_moved_to_another_row_does_not_open(house):
    """Swap two ciphertexts: sign in to another's account with one's own app."""
    alice, bob = await house.settle("alice"), await house.settle("bob")
    connection = sqlite3.connect(house.path)
    with connection:
        rows = dict(
            connection.execute("select subject, sealed from authenticator where kind = 'totp'")
        )
        for victim, thief in ((alice, bob), (bob, alice)):
            connection.execute(
                "update authenticator set sealed = ? where subject = ? and kind = 'totp'",
                (rows[thief.id], victim.id),
            )
    connection.close()

    client = house.client()
    ticket = await client.ticket("alice", alice.password)
    for person in (alice, bob):
        answer = await client.verify(ticket, person.app.code(house.clock.seconds))
        assert answer.said == "503 unsealable"
    assert house.rows("select count(*) from session") == [(0,)]


BENDING = {
    "authenticator": "update authenticator set sealed = ? where sealed = ?",
    "outbox": "update outbox set sealed = ? where sealed = ?",
}


@pytest.mark.parametrize("table", BENDING)
async def test_a89_an_altered_secret_is_refused(house, table):
    """Ciphertext without a seal bends at the thief's will."""
    dave = await house.settle("dave", mail=True)
    client = house.client()
    ticket = await client.ticket("dave", dave.password)
    await client.step(ticket, "challenge", factor=dave.factor("email"))
    sealed = [
        cell for row in house.table(table) for cell in row if isinstance(cell, bytes) and cell
    ]
    connection = sqlite3.connect(house.path)
    with connection:
        for box in sealed:
            bent = box[:20] + bytes([box[20] ^ 1]) + box[21:]
            connection.execute(BENDING[table], (bent, box))
    connection.close()

    if table == "outbox":
        with pytest.raises(Unsealable):
            await house.post()
    else:
        answer = await client.verify(
            ticket, dave.app.code(house.clock.seconds), factor=dave.factor("totp")
        )
        assert answer.said == "503 unsealable"


async def test_a79_a_stranger_learns_nothing_from_any_protected_path(house):
    """Routes that forget to ask."""
    wire = InProcess(house.app)
    for operation in documented(house.app.routes, Auth.SESSION, Auth.ADMIN, Auth.CLIENT):
        method, path, headers, body = operation.call.raw
        answer = await wire.send(method, path, headers, body)
        assert answer.status == 401, path
