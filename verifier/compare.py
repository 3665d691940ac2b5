"""Comparing two views of one log: the same, one a prefix of the other, or a fork that its own key has signed.

Two checkpoints of the same log that cannot both be true are evidence that
nobody can deny: anybody can check them with the log's public key alone.

Source: THREATS T3, L04.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from keys.trust import Trust
from ledger.core.check import check_consistency
from ledger.core.checkpoint import VerifiedCheckpoint, open_checkpoint
from ledger.core.merkle import root_at
from ledger.core.prove import prove_consistency
from ledger.core.tiles import TileReader
from ledger.errors import BadProof, Unreadable
from verifier.bundle import Bundle


class Comparison(Struct, frozen=True):
    """How two checkpoints relate; on a fork the two signed notes are the evidence."""

    relation: Literal["same", "extends", "fork"]
    sizes: tuple[int, int]
    roots: tuple[str, str]
    evidence: tuple[str, str] | None = None


def compare(first: Bundle, second: Bundle, trust: Trust) -> Comparison:
    """Compare two published logs by their signed checkpoints and the tiles of the longer one.

    Raises: Unreadable, Malformed, BadSignature, Unproven for a checkpoint that does not hold.
    """
    heads = [
        open_checkpoint(bundle.checkpoint(), log=trust.log_vkey, origin=trust.origin, witnesses=trust.witness_vkeys)
        for bundle in (first, second)
    ]
    sizes, roots = (heads[0].size, heads[1].size), (heads[0].root.hex(), heads[1].root.hex())
    if sizes[0] == sizes[1]:
        same = roots[0] == roots[1]
        return Comparison("same" if same else "fork", sizes, roots, None if same else _evidence(heads))
    longer = first if sizes[0] > sizes[1] else second
    old, new = sorted(heads, key=lambda head: head.size)
    reader = TileReader(lambda tiles: [longer.tile(tile) for tile in tiles], new.size)
    if root_at(new.size, reader) != new.root:
        raise Unreadable("tile_differs", f"the tiles of {longer.path} do not lead to its own checkpoint")
    path = prove_consistency(old_size=old.size, new_size=new.size, reader=reader) if old.size else []
    try:
        check_consistency(old=old, new=new, path=path)
    except BadProof:
        return Comparison("fork", sizes, roots, _evidence(heads))
    return Comparison("extends", sizes, roots)


def _evidence(heads: list[VerifiedCheckpoint]) -> tuple[str, str]:
    return heads[0].raw.decode(), heads[1].raw.decode()
