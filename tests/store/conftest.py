"""What tests of the store run on: a SQLite file, and a real PostgreSQL server that is started once a session."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.store.databases import Place
from tests.store.servers import Server, running


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A PostgreSQL server of this test process alone."""
    with running() as one:
        yield one


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Room for a ledger, empty, on each database in turn."""
    if request.param == "sqlite":
        return Place(tmp_path / "log")
    started: Server = request.getfixturevalue("server")
    return Place(tmp_path / "log", server=started, name=started.create())
