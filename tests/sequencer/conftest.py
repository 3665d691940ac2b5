"""A founded ledger for each test of the writer: made once, copied."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.ledgers import found
from tests.world import World


@pytest.fixture(scope="session")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A founded ledger to copy; nobody writes to it."""
    directory = tmp_path_factory.mktemp("founded") / "log"
    found(directory, World()).close()
    return directory


@pytest.fixture
def directory(tmp_path: Path, founded: Path) -> Path:
    """A founded ledger of the test's own."""
    return Path(shutil.copytree(founded, tmp_path / "log"))


@pytest.fixture
def world() -> World:
    """The world in which the copied ledger was founded."""
    same = World()
    same.founding()
    return same
