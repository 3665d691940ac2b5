"""A founded ledger for each test of the writer, on either database: made once, copied."""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path

import pytest

from tests.ledgers import found
from tests.store.databases import KINDS, Place, note_database
from tests.store.servers import shared
from tests.world import World

# A test of what only SQLite does: of its files, or of a signer's memory that no other machine's stands beside.
ON_SQLITE = pytest.mark.parametrize("directory", ["sqlite"], indirect=True)


@pytest.fixture(scope="session")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A founded ledger to copy; nobody writes to it."""
    directory = tmp_path_factory.mktemp("founded") / "log"
    found(directory, World()).close()
    return directory


@cache
def founded_template(folder: Path) -> tuple[Path, str]:
    """The same on PostgreSQL: its directory, and a database to make others of."""
    place = Place(folder / "log", server=shared(), name=shared().create())
    place.found(World()).close()
    return place.directory, place.name


@pytest.fixture(params=KINDS)
def directory(request: pytest.FixtureRequest, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A founded ledger of the test's own."""
    if request.param == "sqlite":
        return Path(shutil.copytree(request.getfixturevalue("founded"), tmp_path / "log"))
    template, name = founded_template(tmp_path_factory.getbasetemp() / "founded-postgresql")
    directory = Path(shutil.copytree(template, tmp_path / "log"))
    note_database(directory, shared().url(shared().create(f"TEMPLATE {name}")))
    return directory


@pytest.fixture
def world() -> World:
    """The world in which the copied ledger was founded."""
    same = World()
    same.founding()
    return same
