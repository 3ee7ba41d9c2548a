"""What the OpenAPI document promises is what is served, whether a request is right or wrong."""

import asyncio
import base64

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings

from tests.faces.house import House
from twofold.core.policy import Policy
from twofold.web.kit import Auth

HOUSE = House(policy=Policy(registration=True))
EXAMPLES = 15

schema = schemathesis.openapi.from_asgi("/openapi.json", HOUSE.app)
schema.config.checks.update(
    included_check_names=[
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
        "negative_data_rejection",
    ]
)
schema.config.checks.negative_data_rejection.expected_statuses = [
    "4xx",  # our table says which; 410 and 413 are right answers too
]
AUTH = {(route.method, route.path): route.auth for route in HOUSE.app.routes}


@pytest.fixture(scope="module")
def people():
    """An administrator, somebody halfway in, and an application."""

    async def prepare():
        await HOUSE.add("root", "totp", admin=True)
        await HOUSE.add("alice", "totp", "recovery")
        return (await (await signed_in()).post("/admin/v1/clients", {"id": "shop"})).json["secret"]

    yield asyncio.run(prepare())
    asyncio.run(HOUSE.pool.close())


async def signed_in():
    HOUSE.engine.gate._seen.clear()
    HOUSE.next_step()
    root = HOUSE.client()
    await root.start("root")
    await root.verify(HOUSE.code("root"))
    return root


@pytest.fixture
def credentials(people):
    """Headers by what a route asks for; routes for everybody are given none."""

    async def prepare():
        root, alice = await signed_in(), HOUSE.client()
        await alice.start("alice")
        return root.token, alice.ticket

    token, ticket = asyncio.run(prepare())
    bearer = {"Authorization": f"Bearer {token}"}
    shop = base64.b64encode(f"shop:{people}".encode()).decode()
    return {
        Auth.NONE: {},
        Auth.CEREMONY: {"Ceremony": ticket},
        Auth.SESSION: bearer,
        Auth.ADMIN: bearer,
        Auth.CLIENT: {"Authorization": f"Basic {shop}"},
    }


@pytest.mark.slow
@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_one_that_the_document_promises(case, credentials):
    HOUSE.engine.gate._seen.clear()  # thousands of wrong guesses of one source are not the point

    case.call_and_validate(headers=credentials[AUTH[case.operation.method.upper(), case.path]])
