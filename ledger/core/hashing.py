"""The three hashes of an RFC 6962 tree.

Source: RFC 6962, section 2.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()

_NODE = sha256(b"\x01")


def leaf_hash(entry: bytes) -> bytes:
    """SHA-256(0x00 || entry)."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 || left || right)."""
    return sha256(b"\x01" + left + right).digest()


def parents(hashes: Sequence[bytes]) -> list[bytes]:
    """The node hash of each pair of an even number of hashes; for whole levels, where a call for each is felt."""
    found = []
    pairs = iter(hashes)
    for left, right in zip(pairs, pairs, strict=True):
        node = _NODE.copy()
        node.update(left + right)
        found.append(node.digest())
    return found
