"""A published log as files: a folder or a zip, read with limits and without leaving it.

Source: DESIGN 4.4; TLOG-SPEC 6; THREATS L19.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

from ledger.core.note import NOTE_BYTES_MAX
from ledger.core.tiles import TILE_WIDTH, Tile, bundle_path, parse_path
from ledger.errors import Malformed, Unreadable

HASH_BYTES = 32
FILES_MAX = 10_000_000
BUNDLE_BYTES_MAX = TILE_WIDTH * (2 + 65_535)
TILE_BYTES_MAX = TILE_WIDTH * HASH_BYTES


class Bundle:
    """Reads the files of a published log by their paths."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._zip: zipfile.ZipFile | None = None
        if path.is_dir():
            self._root = path.resolve()
        else:
            try:
                self._zip = zipfile.ZipFile(path)
            except Exception as error:  # noqa: BLE001 - damaged names, sizes and dates each raise an error of their own
                raise Unreadable("unreadable_bundle", f"{path}: {error}", path=str(path)) from None

    def checkpoint(self) -> bytes:
        """The checkpoint's bytes.

        Raises: Unreadable `unreadable_bundle`.
        """
        return self._require("checkpoint", NOTE_BYTES_MAX)

    def entries(self, index: int, width: int) -> bytes:
        """Bytes of an entry bundle; where the partial one is gone, of the full one, to be cut by the reader.

        Raises: Unreadable `unreadable_bundle`.
        """
        raw = self._read(bundle_path(index, width), BUNDLE_BYTES_MAX)
        return raw if raw is not None else self._require(bundle_path(index, TILE_WIDTH), BUNDLE_BYTES_MAX)

    def tile(self, tile: Tile) -> bytes:
        """The hashes of a tile, cut to its width where only the full one is there.

        Raises: Unreadable `unreadable_bundle`.
        """
        raw = self._read(tile.path, TILE_BYTES_MAX)
        if raw is None:
            raw = self._require(Tile(tile.level, tile.index, TILE_WIDTH).path, TILE_BYTES_MAX)
            raw = raw[: tile.width * HASH_BYTES]
        return raw

    def beyond(self, size: int) -> int:
        """Number of published bundles past a size: written, but under no checkpoint, and so ignored.

        Raises: Unreadable `unreadable_bundle` when there are too many files to list.
        """
        names = self._zip.namelist() if self._zip is not None else self._listed()
        bundles = -(-size // TILE_WIDTH)
        past = 0
        for number, name in enumerate(names):
            if number >= FILES_MAX:
                raise Unreadable("unreadable_bundle", f"{self.path} holds more than {FILES_MAX} files")
            if name.startswith("tile/entries/"):
                try:
                    _, index, _ = parse_path(name)
                except Malformed:
                    continue  # no bundle of this log: nothing reads it
                past += index >= bundles
        return past

    def _listed(self) -> Iterator[str]:
        folder = self._root / "tile" / "entries"
        return (path.relative_to(self._root).as_posix() for path in folder.rglob("*") if path.is_file())

    def _require(self, name: str, limit: int) -> bytes:
        raw = self._read(name, limit)
        if raw is None:
            raise Unreadable("missing_file", f"{self.path} has no {name}", path=name)
        return raw

    def _read(self, name: str, limit: int) -> bytes | None:
        try:
            raw = self._read_zip(name, limit) if self._zip is not None else self._read_file(name, limit)
        except Exception as error:  # noqa: BLE001 - zlib, lzma and bz2 each raise errors of their own on damaged data
            raise Unreadable("unreadable_bundle", f"{self.path}, {name}: {error}", path=name) from None
        if raw is not None and len(raw) > limit:
            raise Unreadable("unreadable_bundle", f"{name} has more than {limit} bytes", path=name)
        return raw

    def _read_file(self, name: str, limit: int) -> bytes | None:
        path = self._root / name
        if not path.resolve().is_relative_to(self._root):
            raise Unreadable("unreadable_bundle", f"{name} leads out of {self.path}", path=name)
        if not path.is_file():
            return None
        with path.open("rb") as file:
            return file.read(limit + 1)

    def _read_zip(self, name: str, limit: int) -> bytes | None:
        assert self._zip is not None, "called for zips alone"
        if name not in self._zip.NameToInfo:
            return None
        with self._zip.open(name) as file:
            return file.read(limit + 1)

    def close(self) -> None:
        """Let the zip go."""
        if self._zip is not None:
            self._zip.close()
