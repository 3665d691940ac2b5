"""The tree cut into tiles of 256 hashes, and entries into bundles: the published files and their paths.

Source: C2SP tlog-tiles (TLOG-SPEC 6).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from msgspec import Struct

from ledger.core.hashing import EMPTY_ROOT, HASH_BYTES, node_hash, parents
from ledger.core.merkle import Node
from ledger.errors import Malformed

TILE_WIDTH = 256
TILE_HEIGHT = 8
# A tile with all levels within it is some 30 kB in memory.
TILES_KEPT_MAX = 64

_PATH = re.compile(r"tile/(entries|[0-9]{1,2})/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([0-9]{1,3}))?\Z")


class Tile(Struct, frozen=True):
    """Part of one level of tiles: hashes [index * 256, index * 256 + width) of tile level `level`."""

    level: int
    index: int
    width: int

    @property
    def path(self) -> str:
        """Where the tile is published."""
        return f"tile/{self.level}/{_number(self.index)}{_partial(self.width)}"


class TileData(NamedTuple):
    """A tile and its hashes, one after the other."""

    tile: Tile
    hashes: bytes


def bundle_path(index: int, width: int) -> str:
    """Where the bundle of the entries [index * 256, index * 256 + width) is published."""
    return f"tile/entries/{_number(index)}{_partial(width)}"


def _number(index: int) -> str:
    text = f"{index:03d}"
    text = text.zfill(-(-len(text) // 3) * 3)
    groups = [text[at : at + 3] for at in range(0, len(text), 3)]
    return "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])


def _partial(width: int) -> str:
    return "" if width == TILE_WIDTH else f".p/{width}"


def parse_path(path: str) -> tuple[str, int, int]:
    """Level (`entries` or a decimal), index and width of a published path, in its one spelling.

    Raises: Malformed `bad_tile_path`.
    """
    match = _PATH.match(path)
    if match is None:
        raise Malformed("bad_tile_path", f"{path[:80]!r} is no path of a tile or bundle")
    level, digits, partial = match.groups()
    index = int(digits.replace("x", "").replace("/", ""))
    width = TILE_WIDTH if partial is None else int(partial)
    again = bundle_path(index, width) if level == "entries" else Tile(int(level), index, width).path
    if again != path or not 1 <= width <= TILE_WIDTH or (level != "entries" and int(level) > 63):
        raise Malformed("bad_tile_path", f"{path[:80]!r} is not the one spelling of a path")
    return level, index, width


def tiles_of(size: int) -> Iterator[Tile]:
    """Every tile of a tree of this size, level by level."""
    level, count = 0, size
    while count:
        for index in range(count // TILE_WIDTH):
            yield Tile(level, index, TILE_WIDTH)
        if count % TILE_WIDTH:
            yield Tile(level, count // TILE_WIDTH, count % TILE_WIDTH)
        level, count = level + 1, count // TILE_WIDTH


def bundles_of(size: int) -> Iterator[tuple[int, int]]:
    """Index and width of every entry bundle of a log of this size."""
    for index in range(-(-size // TILE_WIDTH)):
        yield index, min(TILE_WIDTH, size - index * TILE_WIDTH)


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """Entries one after the other, each with its length in two bytes before it."""
    return b"".join([part for entry in entries for part in (len(entry).to_bytes(2, "big"), entry)])


def decode_bundle(raw: bytes, *, width: int) -> list[bytes]:
    """Exactly `width` entries.

    Raises: Malformed `bad_bundle`.
    """
    entries: list[bytes] = []
    at, end = 0, len(raw)
    for _ in range(width):
        start = at + 2
        at = start + int.from_bytes(raw[at:start], "big")
        if at > end:
            raise Malformed("bad_bundle", f"the bundle ends before entry {len(entries)} of {width}", at=len(entries))
        entries.append(raw[start:at])
    if at != end:
        raise Malformed("bad_bundle", f"{end - at} bytes after entry {width}", at=width)
    return entries


def tile_root(hashes: Sequence[bytes]) -> bytes:
    """Root of the full subtree over a power of two of hashes."""
    level = list(hashes)
    assert len(level).bit_count() == 1, "a full subtree stands on a power of two of hashes"
    while len(level) > 1:
        level = parents(level)
    return level[0]


def split_hashes(raw: bytes, *, width: int) -> list[bytes]:
    """The hashes of a tile.

    Raises: Malformed `bad_tile`.
    """
    if len(raw) != width * HASH_BYTES:
        raise Malformed("bad_tile", f"a tile of width {width} has {width * HASH_BYTES} bytes, not {len(raw)}")
    return [raw[at : at + HASH_BYTES] for at in range(0, len(raw), HASH_BYTES)]


class TileReader:
    """A `HashReader` over the tiles of a tree of `size`; nodes between tile levels are computed, once a tile.

    It keeps the tiles that it read last, so that many proofs in one neighbourhood cost little more than one.
    """

    def __init__(self, fetch: Callable[[Sequence[Tile]], Sequence[bytes]], size: int) -> None:
        self._fetch = fetch
        self._size = size
        # Tile -> its hashes, then those of each level above within it, as far as they were asked for.
        self._rows: dict[Tile, list[list[bytes]]] = {}

    def read(self, nodes: Sequence[Node]) -> list[bytes]:
        """The hashes of these nodes, in their order.

        Raises: Malformed `bad_range` for a node outside the tree, `bad_tile`.
        """
        wanted = [self._tile_of(node) for node in nodes]
        missing = list(dict.fromkeys(tile for tile in wanted if tile not in self._rows))
        for tile, raw in zip(missing, self._fetch(missing) if missing else (), strict=True):
            self._rows[tile] = [split_hashes(raw, width=tile.width)]
        found = []
        for node, tile in zip(nodes, wanted, strict=True):
            inside = node.level % TILE_HEIGHT
            rows = self._rows[tile]
            while len(rows) <= inside:
                rows.append(parents(rows[-1][: len(rows[-1]) & ~1]))
            found.append(rows[inside][node.index - (tile.index * TILE_WIDTH >> inside)])
        while len(self._rows) > TILES_KEPT_MAX:
            del self._rows[next(iter(self._rows))]
        return found

    def _tile_of(self, node: Node) -> Tile:
        level, inside = divmod(node.level, TILE_HEIGHT)
        if (node.index + 1) << node.level > self._size:
            raise Malformed("bad_range", f"node {node} is outside a tree of size {self._size}")
        index = (node.index << inside) // TILE_WIDTH
        count = self._size >> (TILE_HEIGHT * level)
        return Tile(level, index, min(TILE_WIDTH, count - index * TILE_WIDTH))


class TreeBuilder:
    """The growing right edge of a tree: for each tile level, the hashes of its partial tile.

    Raises: Malformed `bad_tile` when the hashes given to begin with are not as many as the size leaves over.
    """

    def __init__(self, size: int = 0, tails: Sequence[Sequence[bytes]] = ()) -> None:
        left_over = [(size >> TILE_HEIGHT * level) % TILE_WIDTH for level in range(len(tails))]
        if left_over != [len(tail) for tail in tails] or size >> TILE_HEIGHT * len(tails):
            raise Malformed("bad_tile", f"these partial tiles are not those of a tree of size {size}", size=size)
        self.size = size
        self.tails: list[list[bytes]] = [list(tail) for tail in tails]
        self._root: bytes | None = None  # as long as nothing is added

    def copy(self) -> TreeBuilder:
        """An independent builder at the same size."""
        same = TreeBuilder(self.size, self.tails)
        same._root = self._root
        return same

    def extend(self, leaves: Sequence[bytes]) -> list[TileData]:
        """Append leaf hashes; gives each tile that they touched, in full."""
        touched: list[TileData] = []
        level, count, new = 0, self.size, list(leaves)
        self.size += len(new)
        self._root = None
        while new:
            if level == len(self.tails):
                self.tails.append([])
            tail = self.tails[level]
            first = count // TILE_WIDTH
            row = tail + new
            full = len(row) // TILE_WIDTH
            above = []
            for at in range(full):
                hashes = row[at * TILE_WIDTH : (at + 1) * TILE_WIDTH]
                touched.append(TileData(Tile(level, first + at, TILE_WIDTH), b"".join(hashes)))
                above.append(tile_root(hashes))
            rest = row[full * TILE_WIDTH :]
            if rest:
                touched.append(TileData(Tile(level, first + full, len(rest)), b"".join(rest)))
            self.tails[level] = rest
            level, count, new = level + 1, count // TILE_WIDTH, above
        return touched

    def root(self) -> bytes:
        """Root of the tree as it stands: partial tiles from the lowest level up, each to the right of the one above."""
        if self._root is None:
            right: bytes | None = None
            for tail in self.tails:
                for left in _peak_hashes(tail):
                    right = left if right is None else node_hash(left, right)
            self._root = EMPTY_ROOT if right is None else right
        return self._root


def _peak_hashes(hashes: Sequence[bytes]) -> list[bytes]:
    """Roots of the full subtrees that make up a partial tile, from right to left."""
    found, end = [], len(hashes)
    while end:
        width = end & -end
        found.append(tile_root(hashes[end - width : end]))
        end -= width
    return found
