"""The shape of an RFC 6962 tree: which full subtrees make up a size, and the root that they give.

Hashes are read through one port, `HashReader`: an operation computes every node
that it needs, asks once, then computes.

Source: RFC 6962, section 2.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from ledger.core.hashing import EMPTY_ROOT, node_hash


class Node(Struct, frozen=True):
    """Root of the full subtree over the leaves [index << level, (index + 1) << level)."""

    level: int
    index: int


class HashReader(Protocol):
    """Where the hashes of full subtrees come from."""

    def read(self, nodes: Sequence[Node]) -> list[bytes]:
        """The hashes of these nodes, in their order."""


class TreeHead(Protocol):
    """A size and the root of the tree of that size, which always travel together."""

    @property
    def size(self) -> int:
        """Number of entries."""

    @property
    def root(self) -> bytes:
        """The 32 bytes of the root hash."""


def peaks(size: int) -> list[Node]:
    """The full subtrees, from left to right, whose leaves are [0, size)."""
    return span(0, size)


def span(start: int, end: int) -> list[Node]:
    """The full subtrees, from left to right, whose leaves are [start, end), for a start that is a multiple of each.

    `start` must be the left edge of a subtree of an RFC 6962 tree that ends at `end`.
    """
    nodes = []
    while start < end:
        level = (end - start).bit_length() - 1
        nodes.append(Node(level, start >> level))
        start += 1 << level
    return nodes


def root_from_peaks(hashes: Sequence[bytes]) -> bytes:
    """The root over the full subtrees of one size, given from left to right."""
    if not hashes:
        return EMPTY_ROOT
    root = hashes[-1]
    for left in reversed(hashes[:-1]):
        root = node_hash(left, root)
    return root


def root_at(size: int, reader: HashReader) -> bytes:
    """The root of the tree of this size."""
    return root_from_peaks(reader.read(peaks(size)))
