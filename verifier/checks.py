"""What can be checked of one bundle alone: bytes, chain, leaf hashes and every signature.

Pure, and the same for one process or many: `kid` carries the key, so no state
is needed. The fold that follows decides whether that key might sign.

Source: DESIGN 4.2, 8; THREATS R29.
"""

from __future__ import annotations

from hashlib import sha256

from msgspec import Struct

from ledger.core.entry import decode_entry
from ledger.core.jws import check_signatures, open_jws
from ledger.core.tiles import TILE_WIDTH, decode_bundle
from ledger.errors import LedgerError


class Problem(Struct, frozen=True):
    """The first thing that is wrong: at which entry, under which code, and in words."""

    index: int
    code: str
    message: str


class CheckedBundle(Struct, frozen=True):
    """Leaf hashes of the entries up to the first problem, and what chain links them to their neighbours."""

    first: int
    entries: list[bytes]
    leaves: list[bytes]
    previous: bytes
    problem: Problem | None
    signatures: int


def check_bundle(raw: bytes, *, index: int, width: int) -> CheckedBundle:
    """Check the first `width` entries of entry bundle `index`; total over all bytes."""
    first = index * TILE_WIDTH
    entries: list[bytes] = []
    leaves: list[bytes] = []
    first_previous, signatures, at = b"", 0, first
    try:
        for at, one in enumerate(_cut(raw, width), start=first):
            entry = decode_entry(one)
            if entry.index != at:
                return _found(
                    first, entries, leaves, first_previous, signatures, at, "wrong_index", f"it says {entry.index}"
                )
            if leaves and entry.previous != leaves[-1]:
                said = entry.previous.hex()
                return _found(
                    first, entries, leaves, first_previous, signatures, at, "broken_chain", f"previous is {said}"
                )
            opened = open_jws(entry.statement)
            check_signatures(opened)
            first_previous = first_previous or entry.previous
            signatures += len(opened.signatures)
            entries.append(one)
            leaves.append(sha256(b"\x00" + one).digest())
    except LedgerError as error:
        return _found(first, entries, leaves, first_previous, signatures, at, error.code, error.message)
    return CheckedBundle(first, entries, leaves, first_previous, None, signatures)


def _cut(raw: bytes, width: int) -> list[bytes]:
    """The entries of a bundle that may be wider than asked for."""
    full = len(raw)
    at = 0
    for _ in range(width):
        at += 2 + int.from_bytes(raw[at : at + 2], "big")
    return decode_bundle(raw[: min(at, full)] if at < full else raw, width=width)


def _found(
    first: int,
    entries: list[bytes],
    leaves: list[bytes],
    previous: bytes,
    signatures: int,
    at: int,
    code: str,
    message: str,
) -> CheckedBundle:
    return CheckedBundle(first, entries, leaves, previous, Problem(at, code, message), signatures)
