"""G: nobody becomes more than they are."""

from __future__ import annotations

import pytest

from tests.support.catalogue import documented
from tests.support.client import Call
from tests.support.house import living
from tests.support.server import running_server, start_server
from twofold.web.kit import Auth

MORE = (
    "admin", "isAdmin", "roles", "groups", "status", "epoch", "id", "sub", "email_verified",
    "twoFactor.enabled", "twoFactorSecret", "isTwoFactorUser", "passwordAttempts", "sessions",
    "attributes", "Admin", "ADMIN", "__proto__", "constructor",
)  # fmt: skip


def everything(house) -> list[object]:
    return [
        house.table(table)
        for table in ("subject", "identifier", "authenticator", "item", "document")
    ]


@pytest.mark.parametrize("field", MORE)
async def test_a91_a_field_that_is_not_offered_is_refused(house, field):
    """Write more of oneself than the form shows (upstream Structr, CVE-2026-109312)."""
    alice = await house.settle("alice")
    client = await house.signed_in(alice)
    before = everything(house)
    for operation in documented(house.app.routes, id=alice.factor("totp")):
        call = operation.call
        if not isinstance(call.body, dict):
            continue
        for more in ({field: True}, {field: "1"}, {field: {"admin": True}}):
            answer = await client.send(call.method, call.path, {**call.body, **more})
            if field in call.body or answer.status in {401, 403}:
                continue
            known = {part.name for part in _fields(operation.route.body)}
            if field not in known:
                assert answer.status in {400, 404}, (call.path, more)
    assert everything(house) == before


def _fields(body):
    import msgspec

    return msgspec.structs.fields(body)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"label": "a", "label": "b"}', "application/json"),
        (b'{"label": "a", "Label": "b"}', "application/json"),
        (b'[{"op": "replace", "path": "/admin", "value": true}]', "application/json-patch+json"),
        (b"label=a&admin=1", "application/x-www-form-urlencoded"),
        (b'{"label": "a"}', "text/plain"),
        (b'{"label": "a"}', "application/merge-patch+json"),
    ],
)
async def test_a91_no_other_notation_gets_more_through(house, body, kind):
    """JSON Patch, dotted names, doubled keys."""
    alice = await house.settle("alice")
    client = await house.signed_in(alice)
    before = everything(house)
    path = f"/v1/factors/{alice.factor('totp')}"

    answer = await client.send("PATCH", path, body, headers=(("content-type", kind),))

    assert answer.status in {400, 415}
    assert everything(house) == before


async def test_a93_who_is_no_administrator_does_nothing_of_an_administrators(house):
    """A lower account acts on a higher one (CVE-2026-111905, CVE-2025-4210)."""
    root = await house.settle("root", admin=True)
    alice = await house.settle("alice", groups=("admins", "admin"))
    client = await house.signed_in(alice)
    before = everything(house)
    tried = 0
    for operation in documented(
        house.app.routes, Auth.ADMIN, id=root.id, subject=root.id, factor=root.factor("totp")
    ):
        tried += 1
        answer = await client.call(
            Call(
                operation.call.method,
                operation.call.path,
                operation.call.body,
                (("authorization", f"Bearer {client.token}"),),
            )
        )
        assert answer.said == "403 not-allowed-by-policy", operation.call.path
    assert tried >= 10
    assert everything(house) == before
    assert (await house.events(alice)).count("access.refused") == tried


async def test_a93_an_administrator_proves_the_second_factor_and_freshly(house):
    """The password of an administrator is enough to reset anybody."""
    alice = await house.settle("alice")
    root = await house.settle("root", admin=True)
    client = house.client()
    ticket = await client.ticket("root", root.password)
    client.keep(await client.recover(ticket, root.recovery[0]))
    path = f"/admin/v1/users/{alice.id}"
    assert (await client.get(path)).said == "401 step-up-required"

    client = await house.signed_in(root)
    assert (await client.get(path)).status == 200
    house.clock.move(301)
    assert (await client.post(f"{path}/reset", {})).said == "401 step-up-required"
    assert len(house.rows("select 1 from authenticator where subject = ?", alice.id)) == 3


@pytest.mark.parametrize(
    ("name", "password"),
    [("admin", "admin"), ("admin", "password"), ("root", "secret"), ("box", "secret"), ("", "")],
)
async def test_a95_nobody_is_there_before_somebody_was_made(tmp_path, name, password):
    """Accounts that ship with the product (seeds; ASVS 6.3.2)."""
    async with living(tmp_path / "db") as house:
        answer = await house.client().start(name, password)
        assert answer.said == "422 invalid-credentials"
        assert house.rows("select count(*) from subject") == [(0,)]


@pytest.mark.parametrize("password", ["admin", "password", "changeme", "admin123", "12345678"])
def test_a95_no_server_begins_with_a_password_that_everybody_knows(tmp_path, password):
    """The first administrator is admin/admin (seeds)."""
    with pytest.raises(RuntimeError, match="misconfigured"):
        start_server(tmp_path, admin_password=password)


def test_a95_the_password_that_is_drawn_is_another_one_each_time(tmp_path):
    """One initial password for all who install it."""
    drawn = set()
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        with running_server(tmp_path / name, admin_password=None) as server:
            drawn.add(server.admin_password)
    assert len(drawn) == 2
    assert all(len(password) >= 16 for password in drawn)
