"""Build Merkle proofs; `check.py` checks them and shares only the hashes with this file.

Source: RFC 6962, sections 2.1.1 (audit path) and 2.1.2 (consistency).
"""

from __future__ import annotations

from ledger.core.merkle import HashReader, Node, root_from_peaks, span
from ledger.errors import Malformed


def prove_inclusion(*, index: int, size: int, reader: HashReader) -> list[bytes]:
    """The audit path of a leaf: its sibling first, the child of the root last.

    Raises: Malformed `bad_range` unless 0 <= index < size.
    """
    if not 0 <= index < size:
        raise Malformed("bad_range", f"no leaf {index} in a tree of size {size}", index=index, size=size)
    return _read_groups(_path(index, 0, size), reader)


def prove_consistency(*, old_size: int, new_size: int, reader: HashReader) -> list[bytes]:
    """The proof that the tree of `old_size` is a prefix of the tree of `new_size`.

    Raises: Malformed `bad_range` unless 0 < old_size <= new_size; size 0 has nothing to prove.
    """
    if not 0 < old_size <= new_size:
        raise Malformed("bad_range", f"no proof from size {old_size} to {new_size}", old=old_size, new=new_size)
    return _read_groups(_subproof(old_size, 0, new_size, complete=True), reader)


def _split(start: int, end: int) -> int:
    """Where a tree over [start, end) of more than one leaf divides: the largest power of two below its width."""
    return start + (1 << ((end - start - 1).bit_length() - 1))


def _path(index: int, start: int, end: int) -> list[tuple[int, int]]:
    ranges: list[tuple[int, int]] = []
    while end - start > 1:
        middle = _split(start, end)
        if index < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    return ranges[::-1]


def _subproof(old: int, start: int, end: int, *, complete: bool) -> list[tuple[int, int]]:
    ranges: list[tuple[int, int]] = []
    while old != end:
        middle = _split(start, end)
        if old <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start, complete = middle, False
    if not complete:
        ranges.append((start, end))
    return ranges[::-1]


def _read_groups(ranges: list[tuple[int, int]], reader: HashReader) -> list[bytes]:
    """One hash a range of leaves, with a single read for all."""
    groups = [span(start, end) for start, end in ranges]
    nodes: list[Node] = [node for group in groups for node in group]
    hashes = iter(reader.read(nodes))
    return [root_from_peaks([next(hashes) for _ in group]) for group in groups]
