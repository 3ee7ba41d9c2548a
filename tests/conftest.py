"""What every part of the tests may ask for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support import postgres
from tests.support.postgres import Cluster


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL server of this test process, started by the first test that asks."""
    with postgres.cluster() as made:
        yield made


@pytest.fixture(scope="session")
def swept(cluster: Cluster) -> str:
    """The URL of a database that tests share one after the other; each empties it first."""
    return cluster.url(cluster.database())
