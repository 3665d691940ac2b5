"""Proofs of the wrong length, shape or tree are refused, each for its own reason (L13, L14, L15)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ledger.core.check import PROOF_HASHES_MAX, check_consistency, check_inclusion
from ledger.core.checkpoint import Checkpoint
from ledger.core.hashing import EMPTY_ROOT
from ledger.errors import BadProof, LedgerError, Malformed
from tests.reference.tree import ReferenceTree

TREE = ReferenceTree([f"entry {index}".encode() for index in range(300)])
SIZES = [1, 2, 3, 4, 5, 7, 8, 9, 100, 255, 256, 257, 300]
HASH = bytes(range(32))


def head(size: int, root: bytes | None = None) -> Checkpoint:
    return Checkpoint("ledger.example/log", size, TREE.root(size) if root is None else root)


def refusal(check: Callable[[], None]) -> LedgerError:
    with pytest.raises(LedgerError) as caught:
        check()
    return caught.value


def inclusion(index: int, size: int, path: list[bytes], *, leaf: bytes | None = None) -> Callable[[], None]:
    return lambda: check_inclusion(index=index, leaf=leaf or TREE.leaves[index], path=path, head=head(size))


def consistency(old: int, new: int, path: list[bytes]) -> Callable[[], None]:
    return lambda: check_consistency(old=head(old), new=head(new), path=path)


def longer_and_shorter(path: list[bytes]) -> list[list[bytes]]:
    longer = [[*path[:at], HASH, *path[at:]] for at in range(len(path) + 1)]
    doubled = [[*path[:at], path[at], *path[at:]] for at in range(len(path))]
    return longer + doubled + [[*path[:at], *path[at + 1 :]] for at in range(len(path))]


@pytest.mark.parametrize("size", SIZES)
def test_an_inclusion_proof_has_one_length(size: int) -> None:
    for index in {0, 1, size // 2, size - 2, size - 1} & set(range(size)):
        for path in longer_and_shorter(TREE.inclusion(index, size)):
            assert refusal(inclusion(index, size, path)).code == "bad_path"


@pytest.mark.parametrize("size", SIZES)
def test_a_consistency_proof_has_one_length(size: int) -> None:
    for old in {1, 2, 3, size // 2, size - 1} & set(range(1, size)):
        for path in longer_and_shorter(TREE.consistency(old, size)):
            assert refusal(consistency(old, size, path)).code == "bad_path"


@pytest.mark.parametrize("size", SIZES[2:])
def test_hashes_in_another_order_lead_elsewhere(size: int) -> None:
    for index in (0, size // 2, size - 1):
        path = TREE.inclusion(index, size)
        for at in range(len(path) - 1):
            swapped = [*path[:at], path[at + 1], path[at], *path[at + 2 :]]
            error = refusal(inclusion(index, size, swapped))
            assert isinstance(error, BadProof)
            assert error.expected_root == TREE.root(size)


@pytest.mark.parametrize("wrong", [b"", HASH[:31], HASH + b"\0", HASH * 2])
def test_a_hash_has_32_bytes(wrong: bytes) -> None:
    """L13: a truncated hash, an empty one and two in one."""
    path = TREE.inclusion(5, 7)
    for at in range(len(path)):
        assert refusal(inclusion(5, 7, [*path[:at], wrong, *path[at + 1 :]])).code == "bad_path"
    assert refusal(lambda: check_inclusion(index=5, leaf=wrong, path=path, head=head(7))).code == "bad_path"
    steps = TREE.consistency(3, 7)
    for at in range(len(steps)):
        assert refusal(consistency(3, 7, [*steps[:at], wrong, *steps[at + 1 :]])).code == "bad_path"


@pytest.mark.parametrize("hashes", [PROOF_HASHES_MAX, PROOF_HASHES_MAX + 1, 65, 100_000])
def test_no_tree_is_higher_than_63(hashes: int) -> None:
    """L13: 64 hashes and more are refused before any is computed; 63 fit only a tree of that height."""
    huge = Checkpoint("ledger.example/log", 2**63 - 1, HASH)
    error = refusal(lambda: check_inclusion(index=0, leaf=HASH, path=[HASH] * hashes, head=huge))
    assert error.code == ("bad_proof" if hashes == PROOF_HASHES_MAX else "bad_path")
    assert refusal(lambda: check_consistency(old=head(3), new=huge, path=[HASH] * 64)).code == "bad_path"


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (7, 7), (8, 7), (-1, 7), (2**64, 7)])
def test_the_index_lies_in_the_tree(index: int, size: int) -> None:
    """L13: leaf index at or beyond the size."""
    error = refusal(lambda: check_inclusion(index=index, leaf=HASH, path=[], head=head(size)))
    assert isinstance(error, Malformed)
    assert (error.code, error.facts) == ("bad_range", {"index": index, "size": size})


def test_a_proof_is_for_its_own_leaf_and_index() -> None:
    for size in SIZES[1:]:
        for index in (0, size - 1):
            other = (index + 1) % size
            path = TREE.inclusion(index, size)
            error = refusal(inclusion(index, size, path, leaf=TREE.leaves[other]))
            assert isinstance(error, BadProof)
            # At another index the path may be too long or short for the tree; it never leads to the root.
            assert refusal(inclusion(other, size, path)).code in ("bad_proof", "bad_path")


def test_a_node_does_not_pass_as_a_leaf() -> None:
    """L15: in a tree of 8, the node over the first two leaves with the rest of their path has the wrong length."""
    path = TREE.inclusion(0, 8)
    assert refusal(inclusion(0, 8, path[1:], leaf=TREE.range_hash(0, 2))).code == "bad_path"
    # Where the shorter path would fit, in a tree of half the size, the node is no leaf of it.
    assert isinstance(refusal(inclusion(0, 4, path[:2], leaf=TREE.range_hash(0, 2))), BadProof)


def test_consistency_with_a_wrong_root_names_it() -> None:
    for old_size, new_size in [(1, 2), (3, 7), (4, 7), (6, 7), (128, 300)]:
        path = TREE.consistency(old_size, new_size)
        for old, new in [(head(old_size, HASH), head(new_size)), (head(old_size), head(new_size, HASH))]:
            error = refusal(lambda old=old, new=new, path=path: check_consistency(old=old, new=new, path=path))
            assert isinstance(error, BadProof)
            assert error.expected_root in (old.root, new.root)
            assert error.facts == {
                "expected_root": error.expected_root.hex(),
                "computed_root": error.computed_root.hex(),
            }


def test_consistency_backwards_is_refused() -> None:
    """L14: size1 > size2."""
    for old, new in [(2, 1), (7, 3), (1, 0), (300, 299)]:
        error = refusal(consistency(old, new, []))
        assert (error.code, error.facts) == ("bad_range", {"old": old, "new": new})


def test_consistency_with_the_same_size() -> None:
    """L14: equal sizes want equal roots and no hashes."""
    for size in SIZES:
        check_consistency(old=head(size), new=head(size), path=[])
        assert refusal(consistency(size, size, [HASH])).code == "bad_path"
        error = refusal(lambda size=size: check_consistency(old=head(size, HASH), new=head(size), path=[]))
        assert isinstance(error, BadProof)
        assert (error.expected_root, error.computed_root) == (TREE.root(size), HASH)


def test_consistency_from_the_empty_tree() -> None:
    """M19, TLOG-SPEC 1.2: everything follows from nothing, with no hashes, if the nothing has the empty root."""
    for size in [0, *SIZES]:
        check_consistency(old=head(0), new=head(size), path=[])
        assert refusal(consistency(0, size, [HASH])).code == "bad_path"
        error = refusal(lambda size=size: check_consistency(old=head(0, HASH), new=head(size), path=[]))
        assert isinstance(error, BadProof)
        assert (error.expected_root, error.computed_root) == (EMPTY_ROOT, HASH)
    assert isinstance(refusal(lambda: check_consistency(old=head(0), new=head(0, HASH), path=[])), BadProof)


def test_the_size_is_not_in_the_path() -> None:
    """The trap that `VerifiedCheckpoint` exists for: with size and root loose, a path of size 3 passes as of size 4."""
    path = TREE.inclusion(0, 3)
    check_inclusion(index=0, leaf=TREE.leaves[0], path=path, head=head(4, TREE.root(3)))
    assert isinstance(refusal(inclusion(0, 4, path)), BadProof)
