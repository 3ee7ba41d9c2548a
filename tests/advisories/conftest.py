"""Every advisory is tried on a whole house over its HTTP API, on a database file."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.house import House, living


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A house on SQLite, at a noon of its own."""
    async with living(tmp_path / "twofold.db") as built:
        yield built
