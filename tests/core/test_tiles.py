"""Tiles and bundles: the same files as the reference at every border, one spelling of paths, no slack in bundles."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.core.merkle import Node, root_at
from ledger.core.prove import prove_consistency, prove_inclusion
from ledger.core.tiles import (
    TILES_KEPT_MAX,
    Tile,
    TileReader,
    TreeBuilder,
    bundle_path,
    bundles_of,
    decode_bundle,
    encode_bundle,
    parse_path,
    split_hashes,
    tiles_of,
)
from ledger.errors import Malformed
from tests.reference import tree as judge

BORDERS = [0, 1, 255, 256, 257, 511, 512, 1000, 65_535, 65_536, 65_537, 70_000]


@cache
def reference() -> judge.ReferenceTree:
    return judge.ReferenceTree([f"entry {index}".encode() for index in range(max(BORDERS))])


class Store:
    """Tiles as a log would keep them: a tile that is touched again takes the place of its shorter self."""

    def __init__(self) -> None:
        self.hashes: dict[tuple[int, int], bytes] = {}
        self.times_asked = 0

    def append(self, builder: TreeBuilder, leaves: Sequence[bytes]) -> None:
        for tile, hashes in builder.extend(leaves):
            kept = self.hashes.get((tile.level, tile.index), b"")
            assert len(hashes) == 32 * tile.width > len(kept)
            assert hashes.startswith(kept)
            self.hashes[tile.level, tile.index] = hashes

    def fetch(self, tiles: Sequence[Tile]) -> list[bytes]:
        self.times_asked += 1
        assert len(set(tiles)) == len(tiles)
        return [self.hashes[tile.level, tile.index][: 32 * tile.width] for tile in tiles]


@settings(max_examples=8)
@pytest.mark.parametrize("size", BORDERS)
@given(data=st.data())
def test_the_same_tiles_however_the_leaves_arrive(size: int, data: st.DataObject) -> None:
    """Any split into batches gives the root and the tiles of the reference, and a builder can be taken up again."""
    tree, store, builder = reference(), Store(), TreeBuilder()
    cuts = sorted(data.draw(st.lists(st.integers(0, size), max_size=12)))
    for start, end in zip([0, *cuts], [*cuts, size], strict=True):
        before = builder.copy()
        store.append(builder, tree.leaves[start:end])
        assert (before.size, before.root()) == (start, tree.root(start))
        if data.draw(st.booleans()):
            builder = TreeBuilder(builder.size, builder.tails)
    assert builder.size == size
    assert builder.root() == tree.root(size)
    assert {(level, index) for level, index, _ in judge.tiles(size)} == set(store.hashes)
    for level, index, width in judge.tiles(size):
        assert store.hashes[level, index] == tree.tile(level, index, width)


@pytest.mark.parametrize("size", [*BORDERS, 2, 7, 131_072, 16_777_216 + 70_000])
def test_which_tiles_and_bundles_a_size_has(size: int) -> None:
    """TLOG-SPEC 6: no tile of width 0, no partial tile below a hash of the level above."""
    found = [(one.level, one.index, one.width) for one in tiles_of(size)]
    assert len(found) == len(set(found))
    assert set(found) == judge.tiles(size)
    assert [("entries", index, width) for index, width in bundles_of(size)] == [
        ("entries", index, width) for level, index, width in sorted(found) if level == 0
    ]


def test_the_tiles_of_70000() -> None:
    paths = [one.path for one in tiles_of(70_000)]
    assert len([path for path in paths if path.startswith("tile/0/") and ".p/" not in path]) == 273
    assert [path for path in paths if not path.startswith("tile/0/") or ".p/" in path] == [
        "tile/0/273.p/112",
        "tile/1/000",
        "tile/1/001.p/17",
        "tile/2/000.p/1",
    ]
    assert [one.path for one in tiles_of(256)] == ["tile/0/000", "tile/1/000.p/1"]


@settings(max_examples=60)
@given(st.data())
def test_a_reader_over_tiles_gives_every_node(data: st.DataObject) -> None:
    """Nodes between tile levels are computed, each tile is fetched once, and the port is asked once."""
    tree, store = reference(), full_store()
    size = data.draw(st.sampled_from(BORDERS[1:]) | st.integers(1, 70_000))
    nodes = []
    for _ in range(data.draw(st.integers(1, 8))):
        level = data.draw(st.integers(0, size.bit_length() - 1))
        nodes.append(Node(level, data.draw(st.integers(0, (size >> level) - 1))))
    before = store.times_asked
    found = TileReader(store.fetch, size).read(nodes)
    assert found == [tree.range_hash(one.index << one.level, (one.index + 1) << one.level) for one in nodes]
    assert store.times_asked == before + 1


@settings(max_examples=60)
@given(st.data())
def test_proofs_from_tiles(data: st.DataObject) -> None:
    """Also of an older size, whose partial tiles are the beginnings of what is stored now."""
    tree = reference()
    size = data.draw(st.sampled_from(BORDERS[1:]) | st.integers(1, 70_000))
    index, old_size = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    reader = TileReader(full_store().fetch, size)
    assert root_at(size, reader) == tree.root(size)
    assert prove_inclusion(index=index, size=size, reader=reader) == tree.inclusion(index, size)
    found = prove_consistency(old_size=old_size, new_size=size, reader=reader)
    assert found == tree.consistency(old_size, size)


@settings(max_examples=20)
@given(st.integers(1, 70_000), st.data())
def test_one_reader_gives_many_proofs_and_keeps_few_tiles(size: int, data: st.DataObject) -> None:
    tree, reader = reference(), TileReader(full_store().fetch, size)
    near = data.draw(st.integers(0, size - 1))
    spread = range(0, size, max(1, size // 80))
    for index in (*range(near, min(size, near + 20)), *spread, near):
        assert prove_inclusion(index=index, size=size, reader=reader) == tree.inclusion(index, size)
        assert len(reader._rows) <= TILES_KEPT_MAX


@cache
def full_store() -> Store:
    store = Store()
    store.append(TreeBuilder(), reference().leaves)
    return store


@pytest.mark.parametrize("node", [Node(0, 7), Node(1, 3), Node(3, 0), Node(8, 0), Node(0, 2**64)])
def test_a_reader_has_no_node_outside_its_tree(node: Node) -> None:
    with pytest.raises(Malformed) as caught:
        TileReader(full_store().fetch, 7).read([node])
    assert caught.value.code == "bad_range"


@pytest.mark.parametrize("change", [b"", b"\0", bytes(32)])
def test_a_tile_of_another_width_is_refused(change: bytes) -> None:
    """L12, and a full tile that was cut short (TLOG-SPEC 6, Tessera's bug)."""
    whole = bytes(32 * 6) + change
    with pytest.raises(Malformed) as caught:
        TileReader(lambda tiles: [whole for _ in tiles], 8).read([Node(0, 0)])
    assert caught.value.code == "bad_tile"
    with pytest.raises(Malformed):
        split_hashes(whole, width=8)
    assert split_hashes(bytes(64), width=2) == [bytes(32)] * 2


@pytest.mark.parametrize(
    ("size", "widths"), [(0, [1]), (1, []), (1, [0]), (7, [6]), (256, [0]), (256, [0, 2]), (257, [1]), (65_536, [0, 0])]
)
def test_a_builder_begins_with_what_its_size_leaves_over(size: int, widths: list[int]) -> None:
    with pytest.raises(Malformed) as caught:
        TreeBuilder(size, [[bytes(32)] * width for width in widths])
    assert (caught.value.code, caught.value.facts) == ("bad_tile", {"size": size})


PATHS = {
    "tile/0/000": ("0", 0, 256),
    "tile/0/999.p/255": ("0", 999, 255),
    "tile/1/x001/000": ("1", 1000, 256),
    "tile/63/x001/x234/067.p/1": ("63", 1_234_067, 1),
    "tile/entries/000.p/7": ("entries", 0, 7),
    "tile/entries/x001/x234/067": ("entries", 1_234_067, 256),
}


@pytest.mark.parametrize(("path", "meaning"), PATHS.items())
def test_paths(path: str, meaning: tuple[str, int, int]) -> None:
    assert parse_path(path) == meaning
    level, index, width = meaning
    assert path == (bundle_path(index, width) if level == "entries" else Tile(int(level), index, width).path)


@given(level=st.integers(0, 63), index=st.integers(0, 10**18), width=st.integers(1, 256))
def test_paths_are_read_back(level: int, index: int, width: int) -> None:
    assert parse_path(Tile(level, index, width).path) == (str(level), index, width)
    assert parse_path(bundle_path(index, width)) == ("entries", index, width)


BAD_PATHS = """
tile/0/0 tile/0/00 tile/0/0000 tile/0/x000/000 tile/0/001/000 tile/0/x001/x000 tile/0/x1/000 tile/0/1000 tile/0/X001/000
tile/00/000 tile/01/000 tile/64/000 tile/99/000 tile/-1/000 tile/+1/000 tile/8/0/000 tile/data/000 tile/Entries/000
tile/0/000.p/0 tile/0/000.p/256 tile/0/000.p/01 tile/0/000.p/ tile/0/000.p tile/0/000.p/-1 tile/0/000.P/1 tile/0/000p/1
tile/0/000/ tile/0//000 /tile/0/000 ./tile/0/000 tile/../tile/0/000 tile/0/../0/000 tile/0 tile tile/ checkpoint
""".split()


ODD_PATHS = [
    "",
    "tile/0/000\n",
    " tile/0/000",
    "tile/\u0660/000",
    "tile/0/\u0660\u0660\u0660",
    "tile/0/000\0",
    "tile\\0\\000",
]


@pytest.mark.parametrize("path", [*BAD_PATHS, *ODD_PATHS], ids=ascii)
def test_other_spellings_of_paths_are_refused(path: str) -> None:
    """L19: nothing that climbs out of the folder, and one path a tile."""
    with pytest.raises(Malformed) as caught:
        parse_path(path)
    assert caught.value.code == "bad_tile_path"


@given(st.lists(st.binary(max_size=300), max_size=256))
def test_bundles_are_read_back(entries: list[bytes]) -> None:
    assert decode_bundle(encode_bundle(entries), width=len(entries)) == entries


def test_an_entry_in_a_bundle_has_0_to_65535_bytes() -> None:
    entries = [b"", b"\xff" * 65_535, b""]
    raw = encode_bundle(entries)
    assert raw[:2] == b"\0\0"
    assert decode_bundle(raw, width=3) == entries
    assert decode_bundle(b"", width=0) == []


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=8), st.data())
def test_a_bundle_has_neither_less_nor_more(entries: list[bytes], data: st.DataObject) -> None:
    """Cut anywhere, or with anything after it, or read at another width, a bundle is refused and says where."""
    raw, width = encode_bundle(entries), len(entries)
    cut = data.draw(st.integers(0, len(raw) - 1))
    after = data.draw(st.binary(min_size=1, max_size=70))
    whole_before = next(at for at in range(width) if len(encode_bundle(entries[: at + 1])) > cut)
    for wrong, asked, at in [
        (raw[:cut], width, whole_before),
        (raw + after, width, width),
        (raw, width - 1, width - 1),
        (raw, width + 1, width),
    ]:
        with pytest.raises(Malformed) as caught:
            decode_bundle(wrong, width=asked)
        assert (caught.value.code, caught.value.facts) == ("bad_bundle", {"at": at})
