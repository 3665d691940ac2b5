"""Check Merkle proofs: what an auditor runs, and nothing else.

No file, socket, clock or database is touched here. Proofs are built in
`prove.py`; the two files share only `hashing.py`, so a mistake in building a
proof cannot hide the same mistake in checking one.

Source: RFC 9162, sections 2.1.3.2 (inclusion) and 2.1.4.2 (consistency).
"""

from __future__ import annotations

from collections.abc import Sequence

from ledger.core.hashing import EMPTY_ROOT, HASH_BYTES, node_hash
from ledger.core.merkle import TreeHead
from ledger.errors import BadProof, Malformed

PROOF_HASHES_MAX = 63


def check_inclusion(*, index: int, leaf: bytes, path: Sequence[bytes], head: TreeHead) -> None:
    """That the leaf with this index and hash is in the tree of this head.

    Raises: Malformed `bad_range` or `bad_path` (wrong shape); BadProof when the path leads elsewhere.
    """
    if not 0 <= index < head.size:
        raise Malformed("bad_range", f"no leaf {index} in a tree of size {head.size}", index=index, size=head.size)
    _require_hashes([leaf])
    _require_hashes(path)
    position, last = index, head.size - 1
    computed = leaf
    for step in path:
        if last == 0:
            raise Malformed("bad_path", "the path is longer than the tree is high")
        if position & 1 or position == last:
            computed = node_hash(step, computed)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            computed = node_hash(computed, step)
        position, last = position >> 1, last >> 1
    if last != 0:
        raise Malformed("bad_path", "the path is shorter than the tree is high")
    if computed != head.root:
        raise BadProof(expected_root=head.root, computed_root=computed)


def check_consistency(*, old: TreeHead, new: TreeHead, path: Sequence[bytes]) -> None:
    """That the tree of `old` is a prefix of the tree of `new`.

    Everything is consistent with the empty tree, whose root must be the hash of nothing.
    Raises: Malformed `bad_range` or `bad_path`; BadProof when a root is not led to.
    """
    if not 0 <= old.size <= new.size:
        raise Malformed("bad_range", f"size {old.size} is after size {new.size}", old=old.size, new=new.size)
    _require_hashes(path)
    if old.size in (0, new.size):
        _check_without_path(old=old, new=new, path=path)
        return
    if not path:
        raise Malformed("bad_path", "the path is empty")
    hashes = list(path) if old.size & (old.size - 1) else [old.root, *path]
    position, last = old.size - 1, new.size - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    old_root = new_root = hashes[0]
    for step in hashes[1:]:
        if last == 0:
            raise Malformed("bad_path", "the path is longer than the tree is high")
        if position & 1 or position == last:
            old_root, new_root = node_hash(step, old_root), node_hash(step, new_root)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            new_root = node_hash(new_root, step)
        position, last = position >> 1, last >> 1
    if last != 0:
        raise Malformed("bad_path", "the path is shorter than the tree is high")
    for expected, computed in ((old.root, old_root), (new.root, new_root)):
        if computed != expected:
            raise BadProof(expected_root=expected, computed_root=computed)


def _check_without_path(*, old: TreeHead, new: TreeHead, path: Sequence[bytes]) -> None:
    """From the empty tree or to the same size no hash is needed, so none is allowed."""
    if path:
        raise Malformed("bad_path", "no hashes are needed from the empty tree or to the same size")
    if old.size == 0 and old.root != EMPTY_ROOT:
        raise BadProof(expected_root=EMPTY_ROOT, computed_root=old.root)
    if old.size == new.size and old.root != new.root:
        raise BadProof(expected_root=new.root, computed_root=old.root)


def _require_hashes(hashes: Sequence[bytes]) -> None:
    if len(hashes) > PROOF_HASHES_MAX:
        raise Malformed("bad_path", f"more than {PROOF_HASHES_MAX} hashes")
    if any(len(one) != HASH_BYTES for one in hashes):
        raise Malformed("bad_path", f"a hash has {HASH_BYTES} bytes")
