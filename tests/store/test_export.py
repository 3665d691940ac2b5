"""Publishing as the log grows: what is exported step by step is what is exported at once, whole at every moment.

Covers DESIGN 4.4; C2SP tlog-tiles (TLOG-SPEC 6): a reader never meets a checkpoint whose tiles are missing.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger.core.checkpoint import VerifiedCheckpoint, open_checkpoint
from ledger.core.hashing import leaf_hash
from ledger.core.merkle import root_at
from ledger.core.tiles import TileReader, bundle_path, bundles_of, decode_bundle, tiles_of
from ledger.errors import LedgerError, Unavailable
from ledger.service.ledger import Ledger
from ledger.service.submit import submit_all
from ledger.store import log_store
from ledger.store.create import create_database
from ledger.store.export import export_log
from tests.ledgers import found
from tests.world import ORIGIN, World

SIZES = (20, 255, 256, 257, 300, 511, 512, 513, 600, 768)
WORLD = World()


class Killed(BaseException):
    """The end of a process, which no `except` of the product may hold up."""


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """A founded ledger."""
    world = World()
    with found(tmp_path / "log", world) as one:
        WORLD._count, WORLD.ledger = world._count, world.ledger
        yield one


def grow(ledger: Ledger, size: int) -> None:
    """Append grants, the cheapest of true statements, until the log has this size."""
    with ledger.reading() as connection:
        present = log_store.read_head(connection).size
    for answer in submit_all(ledger, [WORLD.accreditation() for _ in range(size - present)]):
        assert not isinstance(answer, LedgerError)


def export(ledger: Ledger, folder: Path) -> int:
    """One export."""
    with ledger.reading() as connection:
        return export_log(connection, folder)


def files(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by its path."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def require_whole(folder: Path) -> VerifiedCheckpoint:
    """Read as a stranger does: each file that the checkpoint calls for is there, under its very path, and right."""
    checkpoint = open_checkpoint((folder / "checkpoint").read_bytes(), log=WORLD.log_vkey, origin=ORIGIN)
    tiles = {tile: (folder / tile.path).read_bytes() for tile in tiles_of(checkpoint.size)}
    leaves = []
    for index, width in bundles_of(checkpoint.size):
        entries = decode_bundle((folder / bundle_path(index, width)).read_bytes(), width=width)
        leaves += [leaf_hash(entry) for entry in entries]
    assert b"".join(raw for tile, raw in tiles.items() if tile.level == 0) == b"".join(leaves)
    reader = TileReader(lambda wanted: [tiles[tile] for tile in wanted], checkpoint.size)
    assert root_at(checkpoint.size, reader) == checkpoint.root
    return checkpoint


def test_an_export_that_grows_equals_one_made_at_once(ledger: Ledger, tmp_path: Path) -> None:
    for size in SIZES:
        grow(ledger, size)
        assert export(ledger, tmp_path / "grown") == size
        assert export(ledger, tmp_path / f"fresh-{size}") == size
        assert files(tmp_path / "grown") == files(tmp_path / f"fresh-{size}")
        wanted = {tile.path for tile in tiles_of(size)} | {bundle_path(*one) for one in bundles_of(size)}
        assert files(tmp_path / "grown").keys() == wanted | {"checkpoint"}
        assert require_whole(tmp_path / "grown").size == size


def test_a_full_file_is_never_written_twice(ledger: Ledger, tmp_path: Path) -> None:
    grow(ledger, 257)
    export(ledger, tmp_path / "out")
    full = [tmp_path / "out" / "tile" / level / "000" for level in ("entries", "0")]
    before = [(path.stat().st_ino, path.stat().st_mtime_ns) for path in full]
    grow(ledger, 513)
    export(ledger, tmp_path / "out")
    assert [(path.stat().st_ino, path.stat().st_mtime_ns) for path in full] == before


def test_a_log_without_a_signed_head_is_not_exported(tmp_path: Path) -> None:
    engine = create_database(tmp_path / "ledger.db")
    with engine.begin() as connection:
        log_store.first_head(connection)
        with pytest.raises(Unavailable) as refused:
            export_log(connection, tmp_path / "out")
    engine.dispose()
    assert refused.value.code == "nothing_signed"
    assert not (tmp_path / "out").exists()


def export_killed(ledger: Ledger, folder: Path, *, call: str, at: int, after: bool) -> bool:
    """Export until the call of this number, and die before or after it took effect; false if there is no such call."""
    real, seen = getattr(os, call), 0

    def counted(*arguments: Any, **other: Any) -> Any:
        nonlocal seen
        seen += 1
        if seen == at and not after:
            raise Killed
        result = real(*arguments, **other)
        if seen == at:
            raise Killed
        return result

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, call, counted)
        try:
            export(ledger, folder)
        except Killed:
            return True
    return False


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("call", ["replace", "fsync", "unlink"])
def test_killed_at_any_step_a_reader_sees_a_whole_log(ledger: Ledger, tmp_path: Path, call: str, after: bool) -> None:
    """Old checkpoint or new, all that it calls for is there; the next export completes it, even of a longer log."""
    grow(ledger, 255)
    export(ledger, tmp_path / "old")
    grow(ledger, 513)
    export(ledger, tmp_path / "fresh")
    killed, sizes = [], set()
    while True:
        folder = tmp_path / f"killed-{len(killed)}"
        shutil.copytree(tmp_path / "old", folder)
        if not export_killed(ledger, folder, call=call, at=len(killed) + 1, after=after):
            break
        sizes.add(require_whole(folder).size)
        killed.append(folder)
        again = shutil.copytree(folder, tmp_path / f"again-{len(killed)}")
        assert export(ledger, again) == 513
        assert files(again) == files(tmp_path / "fresh")
    # Three bundles, three tiles of level 0, one above, and the checkpoint; two partial files of size 255 to drop.
    assert len(killed) >= {"replace": 8, "fsync": 8, "unlink": 2}[call]
    assert sizes == {"replace": {255, 513} if after else {255}, "fsync": {255, 513}, "unlink": {513}}[call]
    grow(ledger, 600)
    export(ledger, tmp_path / "longer")
    for folder in killed:
        assert export(ledger, folder) == 600
        assert files(folder) == files(tmp_path / "longer")


@pytest.mark.parametrize(("size", "killed_at"), [(257, 0), (257, 1), (257, 3), (256, 1), (256, 2), (512, 1)])
def test_all_that_a_checkpoint_calls_for_is_durable_before_it(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, killed_at: int
) -> None:
    """Each file, and each folder on the way to it, is synced before the checkpoint, also what a killed export left."""
    grow(ledger, size)
    folder = tmp_path / "out"
    synced: set[int] = set()
    missing: list[str] = []
    fsync, replace = os.fsync, os.replace

    def noted_fsync(descriptor: int) -> None:
        fsync(descriptor)
        synced.add(os.fstat(descriptor).st_ino)

    def noted_replace(source: Path, target: Path) -> None:
        if Path(target).name == "checkpoint":
            below = (folder / "tile", *(folder / "tile").rglob("*"))
            missing.extend(str(path.relative_to(folder)) for path in below if path.stat().st_ino not in synced)
        replace(source, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "replace", noted_replace)
    assert export_killed(ledger, folder, call="replace", at=killed_at, after=True) == (killed_at > 0)
    if killed_at:
        assert not (folder / "checkpoint").exists()
        export(ledger, folder)
    assert (folder / "checkpoint").exists()
    assert missing == []
