"""Servers that start at once on an empty directory make one key and one administrator."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

from tests.support.client import Client, Dialler
from tests.support.server import start_server
from tests.support.town import town

SERVERS = 4


async def test_servers_that_start_at_once_agree_on_key_and_administrator(tmp_path, database):
    def start(number: int):
        # Each with a file of its own beside the directory that all of them share.
        (tmp_path / "twofold-data").mkdir(mode=0o700, exist_ok=True)
        return start_server(tmp_path, admin_password=None, config={"database": {"url": database}})

    with ThreadPoolExecutor(SERVERS) as pool:
        servers = list(pool.map(start, range(SERVERS)))
    try:
        told = [server.admin_password for server in servers if server.admin_password]
        assert len(told) == 1
        data = servers[0].data
        assert [path.name for path in data.glob("*.key*")] == ["twofold.key"]
        assert len(json.loads((data / "twofold.key").read_text())["keys"]) == 1
        async with town(data, url=database) as place:
            rows = place.rows("select name, admin from subject")
            created = place.rows(
                "select event, count(*) from audit"
                " where event in ('keys.created', 'subject.created')"
                " group by event order by event"
            )
        assert rows == [("admin", 1)]
        assert created == [("keys.created", 1), ("subject.created", 1)]

        tickets = []
        for server in servers:
            client = Client(Dialler(server.url))
            answer = await client.start("admin", told[0])
            assert answer.status == 200
            tickets.append(answer.json()["ceremony"])
        # What one of them has sealed, every other one opens.
        for server in servers:
            for ticket in tickets:
                client = Client(Dialler(server.url))
                state = await client.get("/v1/ceremony", headers=(("ceremony", ticket),))
                assert state.json()["state"] == "enroll"
    finally:
        for server in servers:
            server.stop()
