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
from ledger.domain.statements import Statement, read_statement
from ledger.errors import LedgerError, Unsupported


class Problem(Struct, frozen=True):
    """The first thing that is wrong: at which entry, under which code, and in words."""

    index: int
    code: str
    message: str


class CheckedEntry(Struct, frozen=True, gc=False):
    """What the fold needs of an entry whose bytes, spelling and signatures hold."""

    leaf: bytes
    recorded_at_ms: int
    statement: Statement


class CheckedBundle(Struct, frozen=True):
    """The entries up to the first problem, and the hash that links the first of them to the bundle before."""

    first: int
    entries: list[CheckedEntry]
    previous: bytes
    problem: Problem | None
    unsupported: bool = False


def check_bundle(raw: bytes, *, index: int, width: int) -> CheckedBundle:
    """Check the first `width` entries of entry bundle `index`; total over all bytes."""
    first = index * TILE_WIDTH
    entries: list[CheckedEntry] = []
    first_previous = b""
    problem: Problem | None = None
    unsupported = False
    try:
        for at, one in enumerate(_cut(raw, width), start=first):
            entry = decode_entry(one)
            if entry.index != at:
                problem = Problem(at, "wrong_index", f"the entry says index {entry.index}")
                break
            if entries and entry.previous != entries[-1].leaf:
                problem = Problem(at, "broken_chain", f"previous is {entry.previous.hex()}")
                break
            opened = open_jws(entry.statement)
            check_signatures(opened)
            first_previous = first_previous or entry.previous
            leaf = sha256(b"\x00" + one).digest()
            entries.append(CheckedEntry(leaf, entry.recorded_at_ms, read_statement(opened)))
    except LedgerError as error:
        problem = Problem(first + len(entries), error.code, error.message)
        unsupported = isinstance(error, Unsupported)
    return CheckedBundle(first, entries, first_previous, problem, unsupported)


def _cut(raw: bytes, width: int) -> list[bytes]:
    """The entries of a bundle that may be wider than asked for."""
    full = len(raw)
    at = 0
    for _ in range(width):
        at += 2 + int.from_bytes(raw[at : at + 2], "big")
    return decode_bundle(raw[: min(at, full)] if at < full else raw, width=width)
