"""Publishing the log as static files: what an auditor, a mirror or a CDN serves.

Tiles and bundles become durable first, then the checkpoint by an atomic
rename, so that a reader never sees a checkpoint whose tiles are missing. Full
files are never written twice.

Source: DESIGN 4.4; C2SP tlog-tiles (TLOG-SPEC 6).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Connection

from ledger.core.tiles import TILE_WIDTH, bundle_path, bundles_of, encode_bundle, tiles_of
from ledger.errors import Unavailable
from ledger.store import log_store

Progress = Callable[[int, int], None]


def export_log(connection: Connection, folder: Path, *, progress: Progress = lambda done, total: None) -> int:
    """Bring a folder up to the signed head; gives its size.

    Raises: Unavailable `nothing_signed`, `tile_missing`.
    """
    head = log_store.read_head(connection)
    if head.checkpoint is None:
        raise Unavailable("nothing_signed", "the log has no signed checkpoint yet")
    size = head.checkpoint_size
    folder.mkdir(parents=True, exist_ok=True)
    folders: set[Path] = set()
    bundles = list(bundles_of(size))
    for done, (index, width) in enumerate(bundles):
        path = folder / bundle_path(index, width)
        folders.add(path.parent)
        if width < TILE_WIDTH or not path.exists():
            first = index * TILE_WIDTH
            entries = [raw for _, _, raw in log_store.read_entries(connection, first=first, end=first + width)]
            _write(path, encode_bundle(entries))
        progress(done + 1, len(bundles))
    for tile in tiles_of(size):
        path = folder / tile.path
        folders.add(path.parent)
        if tile.width < TILE_WIDTH or not path.exists():
            _write(path, log_store.fetch_tiles(connection, [tile])[0])
    # Also those that an interrupted export made; and a folder is found after a crash only if the one above was synced.
    for one in {above for path in folders for above in (path, *path.parents) if above.is_relative_to(folder)}:
        _sync_folder(one)
    _write(folder / "checkpoint", head.checkpoint)
    _sync_folder(folder)
    _drop_stale(folder, size)
    return size


def _write(path: Path, raw: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
    with os.fdopen(descriptor, "wb") as file:
        file.write(raw)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _drop_stale(folder: Path, size: int) -> None:
    """Partial files of smaller checkpoints go once the present checkpoint is out; readers fall back to wider ones."""
    wanted = {folder / tile.path for tile in tiles_of(size)}
    wanted |= {folder / bundle_path(index, width) for index, width in bundles_of(size)}
    for partial in (folder / "tile").rglob("*.p/*"):
        if partial not in wanted:
            partial.unlink()
            if not any(partial.parent.iterdir()):
                partial.parent.rmdir()
