"""Every operation of the OpenAPI document, with good and bad data: no 5xx, nothing undocumented."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from tests.support.people import Person
from tests.support.server import running_server
from tests.support.town import Town, town

CONFIG = {
    "throttle": {"source_allowed": 100_000},
    "policy": {"registration": True},
}
EXAMPLES = int(os.environ.get("EXAMPLES", "8"))

# Not asked: whether right data is accepted (codes are wrong here, ids are nobody's), and whether
# each operation wants its credential, which the advisories assert one by one.
FIT = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
    unsupported_method,
    allow_header_conformance,
]


@dataclass(slots=True)
class Api:
    """A server, and those in whose name it is asked."""

    url: str
    runner: asyncio.Runner
    place: Town
    people: dict[str, Person]

    def credential(self, who: str) -> dict[str, str]:
        """A session that no earlier request can have ended."""
        if who == "nobody":
            return {}
        token = self.runner.run(self.place.session(self.people[who]))
        return {"Authorization": f"Bearer {token}"}


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A server with a person and an administrator."""
    directory = tmp_path_factory.mktemp("openapi")
    with running_server(directory, config=CONFIG) as server, asyncio.Runner() as runner:
        stack = AsyncExitStack()
        place = runner.run(stack.enter_async_context(town(server.data)))
        people = {
            "somebody": runner.run(place.settle("somebody")),
            "root": runner.run(place.settle("root", admin=True)),
        }
        yield Api(server.url, runner, place, people)
        runner.run(stack.aclose())


bounded = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=True,
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.name.lower())
@pytest.mark.parametrize("who", ["nobody", "somebody", "root"])
def test_every_operation_keeps_to_its_document(api, who, mode):
    document = schemathesis.openapi.from_url(f"{api.url}/openapi.json")
    complaints: list[str] = []
    tried = 0
    for found in document.get_all_operations():
        operation = found.ok()
        try:
            strategy = operation.as_strategy(generation_mode=mode)
            given(strategy)(bounded(_asking(api, who)))()
        except Unsatisfiable:
            continue  # there is nothing that could be wrong with this request
        except FailureGroup as group:
            complaints += [f"{operation.label}: {fault}" for fault in group.exceptions]
        tried += 1

    assert complaints == []
    assert tried >= 20


def _asking(api: Api, who: str):
    def ask(case) -> None:
        answer = case.call(headers=api.credential(who))
        # A body may be too large, and a ceremony over, before anybody sees what is wrong.
        refused = answer.status_code in {410, 413}
        checks = [check for check in FIT if not (refused and check is negative_data_rejection)]
        case.validate_response(answer, checks=checks)

    return ask
