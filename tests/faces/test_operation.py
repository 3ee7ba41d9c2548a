"""Health, figures and documentation: for operators and developers, and closed to everybody else."""

import pytest

from tests.faces.house import PASSWORD
from tests.faces.test_admin import administrator
from twofold.core.networks import parse_networks

FIGURES = b"twofold_http_requests_total 3\n"


async def test_a_process_that_answers_is_alive(house):
    answer = await house.client().get("/health/live")

    assert (answer.status, answer.json) == (200, {"status": "ok"})


async def test_a_server_is_ready_when_nothing_is_missing(build):
    async def ready():
        return {"database": "", "keys": "", "outbox": ""}

    answer = await build(front={"ready": ready}).client().get("/health/ready")

    assert (answer.status, answer.json) == (200, {"status": "ok"})


async def test_what_is_missing_is_named_and_not_explained_to_strangers(build):
    async def ready():
        return {"database": "disk /dev/sda1 is full", "keys": "", "outbox": "stuck"}

    answer = await build(front={"ready": ready}).client().get("/health/ready")

    assert (answer.status, answer.code) == (503, "dependency-unavailable")
    assert answer.json["detail"] == "Not ready: database, outbox."
    assert answer.header("retry-after")
    assert "sda1" not in answer.text


async def test_a_front_without_checks_or_figures_has_none(build):
    client = build().client(peer="127.0.0.1")

    assert (await client.get("/health/ready")).status == 200
    assert (await client.get("/metrics")).body == b""


@pytest.mark.parametrize(
    ("peer", "headers", "proxies", "scrapers", "status"),
    [
        ("127.0.0.1", {}, "", None, 200),
        ("::1", {}, "", None, 200),
        ("192.0.2.1", {}, "", None, 401),
        ("192.0.2.1", {}, "", "192.0.2.0/24", 200),
        ("127.0.0.1", {}, "", "192.0.2.0/24", 401),
        # A proxy on this machine that nobody declared must not make the world local.
        ("127.0.0.1", {"x-forwarded-for": "203.0.113.5"}, "", None, 401),
        ("127.0.0.1", {"forwarded": "for=127.0.0.1"}, "", None, 401),
        ("127.0.0.1", {"x-real-ip": "127.0.0.1"}, "", None, 401),
        ("127.0.0.1", {"via": "1.1 proxy"}, "", None, 401),
        ("127.0.0.1", {"x-forwarded-for": "203.0.113.5"}, "127.0.0.1", None, 401),
        ("10.0.0.1", {"x-forwarded-for": "127.0.0.1"}, "", None, 401),
        ("127.0.0.1", {"x-forwarded-for": "192.0.2.9"}, "127.0.0.1", "192.0.2.9", 200),
    ],
)
async def test_figures_are_for_near_networks(build, peer, headers, proxies, scrapers, status):
    front = {"figures": lambda: FIGURES}
    if scrapers:
        front["scrapers"] = parse_networks(scrapers)
    house = build(front=front, proxies=proxies)

    answer = await house.client(peer=peer).get("/metrics", headers=headers)

    assert answer.status == status
    if status == 200:
        assert answer.body == FIGURES
        assert answer.header("content-type") == "text/plain; version=0.0.4; charset=utf-8"


async def test_figures_are_for_administrators_from_anywhere(build):
    house = build(front={"figures": lambda: FIGURES})
    await house.add("carol")
    root, carol = await administrator(house), house.client()
    await carol.start("carol", PASSWORD)

    assert (await root.get("/metrics")).body == FIGURES
    assert (await carol.get("/metrics")).code == "not-allowed-by-policy"


async def test_the_document_holds_every_route_of_the_api_and_no_page(house):
    document = (await house.client().get("/openapi.json")).json

    listed = {(route.method.lower(), route.path) for route in house.app.routes if route.listed}
    told = {(method, path) for path, item in document["paths"].items() for method in item}
    assert told == listed
    assert document["openapi"] == "3.1.0"
    assert {"/v1/ceremony", "/v1/session", "/admin/v1/users", "/v1/verify"} <= set(
        document["paths"]
    )
    assert not {"/login", "/docs", "/static/{name}"} & set(document["paths"])


async def test_every_route_of_the_api_is_described(house):
    document = (await house.client().get("/openapi.json")).json

    for path, item in document["paths"].items():
        for method, operation in item.items():
            assert operation["summary"], (method, path)
            assert operation["tags"], (method, path)
            assert operation["responses"], (method, path)
    names = [
        operation["operationId"]
        for item in document["paths"].values()
        for operation in item.values()
    ]
    assert len(names) == len(set(names))
    schemas = document["components"]["schemas"]
    assert all(schema.get("description") for schema in schemas.values()), schemas


async def test_the_document_is_a_page_too_and_loads_nothing_from_elsewhere(house):
    answer = await house.client().get("/docs")

    assert answer.status == 200
    assert "/v1/ceremony/verify" in answer.text
    assert "<script" not in answer.text
    assert 'src="http' not in answer.text
    assert "default-src 'none'" in answer.header("content-security-policy")
