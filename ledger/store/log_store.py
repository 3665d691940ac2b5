"""The log's rows: entries, tiles and head, written in one transaction and read back.

Source: DESIGN 4.2, 5; TLOG-SPEC 1 and 6.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct
from sqlalchemy import Connection, bindparam, insert, select, tuple_, update

from ledger.core.hashing import EMPTY_ROOT, HASH_BYTES
from ledger.core.merkle import root_at
from ledger.core.tiles import TILE_WIDTH, Tile, TileData, TileReader, TreeBuilder, split_hashes
from ledger.errors import Conflict, Unavailable
from ledger.store.projection import insert_rows
from ledger.store.tables import ENTRY, HEAD, TILE

_HEAD_ID = 1
_CHUNK = 1_000

# Statements of every batch, spelled once: making one anew costs more than running it.
_HEAD = select(HEAD).where(HEAD.c.id == _HEAD_ID)
_MOVE_HEAD = (
    update(HEAD)
    .where(HEAD.c.id == _HEAD_ID, HEAD.c.size == bindparam("old_size"), HEAD.c.root == bindparam("old_root"))
    .values(size=bindparam("new_size"), root=bindparam("new_root"), recorded_at_ms=bindparam("new_recorded_at_ms"))
)
_STORE_CHECKPOINT = (
    update(HEAD)
    .where(HEAD.c.id == _HEAD_ID, HEAD.c.checkpoint_size <= bindparam("signed_size"))
    .values(checkpoint_size=bindparam("signed_size"), checkpoint=bindparam("signed"))
)
_ENTRIES = (
    select(ENTRY.c.index, ENTRY.c.leaf_hash, ENTRY.c.bytes)
    .where(ENTRY.c.index >= bindparam("first"), ENTRY.c.index < bindparam("end"))
    .order_by(ENTRY.c.index)
)
_ENTRY = select(ENTRY.c.bytes).where(ENTRY.c.index == bindparam("at"))
_LEAF = select(ENTRY.c.leaf_hash).where(ENTRY.c.index == bindparam("at"))
_TILES = select(TILE).where(tuple_(TILE.c.level, TILE.c.index).in_(bindparam("wanted", expanding=True)))


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
    row = connection.execute(_HEAD).first()
    if row is None:
        raise Unavailable("no_head", "the database holds no head of a log")
    return Head(row.size, row.root, row.recorded_at_ms, row.checkpoint_size, row.checkpoint)


def move_head(connection: Connection, *, old: Head, size: int, root: bytes, recorded_at_ms: int) -> None:
    """Compare and swap: only whoever saw the present head may move it.

    Raises: Conflict `head_moved`.
    """
    was = {"old_size": old.size, "old_root": old.root}
    will_be = {"new_size": size, "new_root": root, "new_recorded_at_ms": recorded_at_ms}
    moved = connection.execute(_MOVE_HEAD, was | will_be)
    if moved.rowcount != 1:
        raise Conflict("head_moved", f"another writer moved the head from size {old.size}", size=old.size)


def store_checkpoint(connection: Connection, *, size: int, checkpoint: bytes) -> None:
    """Keep the checkpoint that was signed last."""
    connection.execute(_STORE_CHECKPOINT, {"signed_size": size, "signed": checkpoint})


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
        rows = connection.execute(_ENTRIES, {"first": start, "end": min(end, start + _CHUNK)})
        yield from (tuple(row) for row in rows)


def read_entry(connection: Connection, index: int) -> bytes | None:
    """The bytes of one entry."""
    return connection.execute(_ENTRY, {"at": index}).scalar()


def last_leaf(connection: Connection, size: int) -> bytes:
    """The leaf hash of the last entry of a log of this size, which the next entry names as previous."""
    return bytes(connection.execute(_LEAF, {"at": size - 1}).scalar_one())


def fetch_tiles(connection: Connection, tiles: Sequence[Tile]) -> list[bytes]:
    """The hashes of these tiles, each cut to its width.

    Raises: Unavailable `tile_missing`.
    """
    wanted = [(tile.level, tile.index) for tile in tiles]
    found: dict[tuple[int, int], bytes] = {}
    for at in range(0, len(wanted), _CHUNK):
        for level, index, hashes in connection.execute(_TILES, {"wanted": wanted[at : at + _CHUNK]}):
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
