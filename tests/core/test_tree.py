"""The quick tree agrees with the one written from the RFC: roots, proofs and their checks, at every size to 300.

Covers L18 and the constants of RFC 6962 implementations everywhere (TLOG-SPEC 1).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.core.check import check_consistency, check_inclusion
from ledger.core.checkpoint import Checkpoint
from ledger.core.hashing import EMPTY_ROOT, leaf_hash, node_hash, parents
from ledger.core.merkle import Node, peaks, root_at, root_from_peaks
from ledger.core.prove import prove_consistency, prove_inclusion
from ledger.errors import BadProof, Malformed
from tests.reference.tree import ReferenceTree

SMALL = 300
LARGE = 70_000
# The sizes to 300 in pieces of about equal work, so that they run side by side.
PIECES = [range(120), range(120, 180), range(180, 225), range(225, 265), range(265, SMALL + 1)]

CT_ENTRIES = "|00|10|2021|3031|40414243|5051525354555657|606162636465666768696a6b6c6d6e6f".split("|")
CT_ROOTS = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    4: "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    5: "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    6: "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    7: "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}


@cache
def reference(size: int) -> ReferenceTree:
    return ReferenceTree([f"entry {index}".encode() for index in range(size)])


class OneRead:
    """A `HashReader` over a reference tree that lets itself be asked once."""

    def __init__(self, tree: ReferenceTree) -> None:
        self._tree = tree
        self.times_asked = 0

    def read(self, nodes: Sequence[Node]) -> list[bytes]:
        self.times_asked += 1
        assert self.times_asked == 1
        return [self._tree.range_hash(one.index << one.level, (one.index + 1) << one.level) for one in nodes]


def head(tree: ReferenceTree, size: int) -> Checkpoint:
    return Checkpoint("ledger.example/log", size, tree.root(size))


@pytest.mark.parametrize(("size", "root"), CT_ROOTS.items())
def test_roots_are_those_of_certificate_transparency(size: int, root: str) -> None:
    """Both trees are judged by the constants that every Certificate Transparency log shares."""
    tree = ReferenceTree([bytes.fromhex(entry) for entry in CT_ENTRIES])
    assert tree.root(size).hex() == root
    assert root_at(size, OneRead(tree)).hex() == root


def test_hashes_are_those_of_the_rfc() -> None:
    """L15: leaves and nodes are hashed under different first bytes."""
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert leaf_hash(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert leaf_hash(b"L123456").hex() == "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56"
    node = "aa217fe888e47007fa15edab33c2b492a722cb106c64667fc2b044444de66bbb"
    assert node_hash(b"N123", b"N456").hex() == node
    assert [one.hex() for one in parents([b"N123", b"N456"])] == [node]
    assert root_at(0, OneRead(reference(SMALL))) == root_from_peaks([]) == EMPTY_ROOT


@pytest.mark.parametrize("size", [*range(SMALL + 1), 65_535, 65_536, 65_537, LARGE])
def test_peaks_cover_the_leaves_in_order_and_give_the_root(size: int) -> None:
    leaf = 0
    for node in peaks(size):
        assert node.index << node.level == leaf
        leaf += 1 << node.level
    assert leaf == size
    tree = reference(SMALL if size <= SMALL else LARGE)
    assert root_at(size, OneRead(tree)) == tree.root(size)


@pytest.mark.parametrize("sizes", PIECES, ids=str)
def test_every_inclusion_proof(sizes: range) -> None:
    """L13, L18: each proof is the RFC's and holds; with any one hash touched it leads elsewhere, and says where."""
    tree = reference(SMALL)
    for size in sizes:
        checkpoint = head(tree, size)
        for index in range(size):
            path = prove_inclusion(index=index, size=size, reader=OneRead(tree))
            assert path == tree.inclusion(index, size)
            leaf = tree.leaves[index]
            check_inclusion(index=index, leaf=leaf, path=path, head=checkpoint)
            for at in range(len(path)):
                with pytest.raises(BadProof) as caught:
                    check_inclusion(index=index, leaf=leaf, path=touched(path, at), head=checkpoint)
                assert caught.value.expected_root == checkpoint.root != caught.value.computed_root


@pytest.mark.parametrize("sizes", PIECES, ids=str)
def test_every_consistency_proof(sizes: range) -> None:
    """L14, L18: each proof is the RFC's and holds; with any one hash touched one of the two roots is missed."""
    tree = reference(SMALL)
    for size in sizes:
        new = head(tree, size)
        for old_size in range(1, size + 1):
            old = head(tree, old_size)
            path = prove_consistency(old_size=old_size, new_size=size, reader=OneRead(tree))
            assert path == tree.consistency(old_size, size)
            check_consistency(old=old, new=new, path=path)
            for at in range(len(path)):
                with pytest.raises(BadProof) as caught:
                    check_consistency(old=old, new=new, path=touched(path, at))
                assert caught.value.expected_root in (old.root, new.root)
                assert caught.value.computed_root not in (old.root, new.root)


def touched(path: list[bytes], at: int) -> list[bytes]:
    """The path with one bit of one hash changed, another bit for each place."""
    changed = bytearray(path[at])
    changed[at % 32] ^= 1 << at % 8
    return [*path[:at], bytes(changed), *path[at + 1 :]]


@settings(max_examples=300)
@given(st.data())
def test_proofs_of_large_trees(data: st.DataObject) -> None:
    tree = reference(LARGE)
    size = data.draw(st.integers(1, LARGE) | st.sampled_from([65_535, 65_536, 65_537, LARGE]))
    index = data.draw(st.integers(0, size - 1))
    old_size = data.draw(st.integers(1, size))
    path = prove_inclusion(index=index, size=size, reader=OneRead(tree))
    assert path == tree.inclusion(index, size)
    check_inclusion(index=index, leaf=tree.leaves[index], path=path, head=head(tree, size))
    steps = prove_consistency(old_size=old_size, new_size=size, reader=OneRead(tree))
    assert steps == tree.consistency(old_size, size)
    check_consistency(old=head(tree, old_size), new=head(tree, size), path=steps)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (7, 7), (8, 7), (-1, 7), (2**64, 7)])
def test_no_inclusion_proof_outside_the_tree(index: int, size: int) -> None:
    with pytest.raises(Malformed) as caught:
        prove_inclusion(index=index, size=size, reader=OneRead(reference(SMALL)))
    assert (caught.value.code, caught.value.facts) == ("bad_range", {"index": index, "size": size})


@pytest.mark.parametrize(("old_size", "new_size"), [(0, 0), (0, 7), (8, 7), (-1, 7)])
def test_no_consistency_proof_from_nothing_or_backwards(old_size: int, new_size: int) -> None:
    """M19: from the empty tree there is nothing to prove, and the builder says so."""
    with pytest.raises(Malformed) as caught:
        prove_consistency(old_size=old_size, new_size=new_size, reader=OneRead(reference(SMALL)))
    assert (caught.value.code, caught.value.facts) == ("bad_range", {"old": old_size, "new": new_size})
