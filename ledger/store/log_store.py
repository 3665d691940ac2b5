"""The log's rows: entries, tiles and head, written in one transaction and read back.

Source: DESIGN 4.2, 5; TLOG-SPEC 1 and 6.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct
from sqlalchemy import Connection, insert, select, tuple_, update

from ledger.core.hashing import EMPTY_ROOT, HASH_BYTES
from ledger.core.merkle import root_at
from ledger.core.tiles import TILE_WIDTH, Tile, TileData, TileReader, TreeBuilder, split_hashes
from ledger.errors import Conflict, Unavailable
from ledger.store.projection import insert_rows
from ledger.store.tables import ENTRY, HEAD, TILE

_HEAD_ID = 1
_CHUNK = 1_000


class Head(Struct, frozen=True):
    """How far the log has come, and how far its signed checkpoint reaches."""

    size: int
    root: bytes
    recorded_at_ms: int
    checkpoint_size: int
    checkpoint: bytes | None


def first_head(connection: Connection) -> None:
    """Write the head of an empty log, once."""
    connection.execute(insert(HEAD).values(id=_HEAD_ID, size=0, root=EMPTY_ROOT, recorded_at_ms=0, checkpoint_size=0))


def read_head(connection: Connection) -> Head:
    """The present head.

    Raises: Unavailable `no_head`.
    """
    row = connection.execute(select(HEAD).where(HEAD.c.id == _HEAD_ID)).first()
    if row is None:
        raise Unavailable("no_head", "the database holds no head of a log")
    return Head(row.size, row.root, row.recorded_at_ms, row.checkpoint_size, row.checkpoint)


def move_head(connection: Connection, *, old: Head, size: int, root: bytes, recorded_at_ms: int) -> None:
    """Compare and swap: only whoever saw the present head may move it.

    Raises: Conflict `head_moved`.
    """
    same = (HEAD.c.id == _HEAD_ID, HEAD.c.size == old.size, HEAD.c.root == old.root)
    moved = connection.execute(update(HEAD).where(*same).values(size=size, root=root, recorded_at_ms=recorded_at_ms))
    if moved.rowcount != 1:
        raise Conflict("head_moved", f"another writer moved the head from size {old.size}", size=old.size)


def store_checkpoint(connection: Connection, *, size: int, checkpoint: bytes) -> None:
    """Keep the checkpoint that was signed last."""
    later = (HEAD.c.id == _HEAD_ID, HEAD.c.checkpoint_size <= size)
    connection.execute(update(HEAD).where(*later).values(checkpoint_size=size, checkpoint=checkpoint))


def append_entries(
    connection: Connection, *, first: int, entries: Sequence[bytes], leaves: Sequence[bytes], tiles: Sequence[TileData]
) -> None:
    """Write entries and the tiles that they touched."""
    rows = [(first + at, leaf, entry) for at, (entry, leaf) in enumerate(zip(entries, leaves, strict=True))]
    insert_rows(connection, ENTRY, rows)
    write_tiles(connection, tiles)


def write_tiles(connection: Connection, tiles: Sequence[TileData]) -> None:
    """Write tiles, or what was added to them."""
    rows = [(one.tile.level, one.tile.index, one.hashes) for one in tiles]
    insert_rows(connection, TILE, rows, on_conflict="replace")


def read_entries(connection: Connection, *, first: int, end: int) -> Iterator[tuple[int, bytes, bytes]]:
    """(index, leaf hash, bytes) of the entries [first, end), in order."""
    for start in range(first, end, _CHUNK):
        within = (ENTRY.c.index >= start, ENTRY.c.index < min(end, start + _CHUNK))
        rows = connection.execute(
            select(ENTRY.c.index, ENTRY.c.leaf_hash, ENTRY.c.bytes).where(*within).order_by(ENTRY.c.index)
        )
        yield from (tuple(row) for row in rows)


def read_entry(connection: Connection, index: int) -> bytes | None:
    """The bytes of one entry."""
    return connection.execute(select(ENTRY.c.bytes).where(ENTRY.c.index == index)).scalar()


def last_leaf(connection: Connection, size: int) -> bytes:
    """The leaf hash of the last entry of a log of this size, which the next entry names as previous."""
    return bytes(connection.execute(select(ENTRY.c.leaf_hash).where(ENTRY.c.index == size - 1)).scalar_one())


def fetch_tiles(connection: Connection, tiles: Sequence[Tile]) -> list[bytes]:
    """The hashes of these tiles, each cut to its width.

    Raises: Unavailable `tile_missing`.
    """
    wanted = [(tile.level, tile.index) for tile in tiles]
    found: dict[tuple[int, int], bytes] = {}
    for at in range(0, len(wanted), _CHUNK):
        same = tuple_(TILE.c.level, TILE.c.index).in_(wanted[at : at + _CHUNK])
        for level, index, hashes in connection.execute(select(TILE).where(same)):
            found[(level, index)] = hashes
    for key in wanted:
        if key not in found:
            raise Unavailable("tile_missing", f"tile {key[1]} of level {key[0]} is not in the database")
    return [_cut(tile, found[(tile.level, tile.index)]) for tile in tiles]


def _cut(tile: Tile, hashes: object) -> bytes:
    """The hashes of a tile, of which the database may hold more by now, and must not hold fewer."""
    if not isinstance(hashes, bytes) or len(hashes) < tile.width * HASH_BYTES:
        raise Unavailable("tile_missing", f"tile {tile.index} of level {tile.level} is cut short in the database")
    return hashes[: tile.width * HASH_BYTES]


def leaves_in_tiles(connection: Connection, *, first: int, end: int) -> Iterator[bytes]:
    """The leaf hashes [first, end) as the stored tiles of level 0 hold them."""
    for index in range(first // TILE_WIDTH, -(-end // TILE_WIDTH)):
        width = min(TILE_WIDTH, end - index * TILE_WIDTH)
        hashes = split_hashes(fetch_tiles(connection, [Tile(0, index, width)])[0], width=width)
        yield from hashes[max(0, first - index * TILE_WIDTH) :]


def reader(connection: Connection, size: int) -> TileReader:
    """A `HashReader` over the stored tiles of a log of this size."""
    return TileReader(lambda tiles: fetch_tiles(connection, tiles), size)


def root_of(connection: Connection, size: int) -> bytes:
    """Root of the log when it had `size` entries, from the stored tiles."""
    return root_at(size, reader(connection, size))


def builder_at(connection: Connection, size: int) -> TreeBuilder:
    """The right edge of the tree, from the stored partial tiles."""
    tails: list[list[bytes]] = []
    count, level = size, 0
    while count:
        width = count % TILE_WIDTH
        tile = Tile(level, count // TILE_WIDTH, width)
        tails.append(split_hashes(fetch_tiles(connection, [tile])[0], width=width) if width else [])
        count, level = count // TILE_WIDTH, level + 1
    return TreeBuilder(size, tails)
