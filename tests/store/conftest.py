"""What tests of the store run on: a SQLite file, and a real PostgreSQL server that is started once a process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.store.databases import KINDS, Place
from tests.store.servers import Server, shared
from tests.world import World


@pytest.fixture
def server() -> Server:
    """The PostgreSQL server of this test process; no test may stop it."""
    return shared()


@pytest.fixture
def own_server() -> Iterator[Server]:
    """A PostgreSQL server of the test's own, to be stopped, killed and set otherwise."""
    one = Server()
    yield one
    one.close()


@pytest.fixture(params=KINDS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Room for a ledger, empty, on each database in turn."""
    if request.param == "sqlite":
        return Place(tmp_path / "log")
    return Place(tmp_path / "log", server=shared(), name=shared().create())


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def place(tmp_path: Path, world: World) -> Place:
    """A founded ledger on PostgreSQL."""
    one = Place(tmp_path / "a", server=shared(), name=shared().create())
    one.found(world).close()
    return one
