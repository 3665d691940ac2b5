"""The audit: replay every entry from the first, and believe nothing that was not recomputed.

    1. the checkpoint is signed by the trusted log key, for the trusted origin
    2. every entry: bytes, index, signatures (many processes), then in order:
       chain, clock, genesis, and the rule book's own decision
    3. every published tile of every level, and the root, equal what the entries give
    4. pins: what this auditor accepted before is a prefix of this

Source: DESIGN 4.2 to 4.4, 7; THREATS L01 to L20, R12, R29.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from keys.trust import Trust
from ledger.core.checkpoint import VerifiedCheckpoint, open_checkpoint
from ledger.core.entry import NO_PREVIOUS
from ledger.core.merkle import root_at
from ledger.core.note import Vkey
from ledger.core.tiles import TILE_WIDTH, Tile, TileData, TileReader, TreeBuilder, bundles_of
from ledger.domain.records import ProgrammeRecord
from ledger.domain.rules import decide
from ledger.domain.statements.programme import Programme
from ledger.domain.view import Position
from ledger.errors import LedgerError, Malformed, Unreadable, Unsupported
from verifier.bundle import Bundle
from verifier.checks import CheckedBundle, CheckedEntry, Problem, check_bundle
from verifier.state import AuditState

Progress = Callable[[int, int], None]

# Bundles handed to the pool ahead of the fold: enough to keep it busy, few enough to keep memory flat.
AHEAD_MAX = 16


@dataclass
class Replay:
    """What a replay found. `problem` is the first bad entry; `state` is the fold up to it."""

    checkpoint: VerifiedCheckpoint
    state: AuditState
    entries: int = 0
    signatures: int = 0
    kinds: dict[str, int] = field(default_factory=dict)
    problem: Problem | None = None
    unsupported: bool = False
    roots: dict[int, bytes] = field(default_factory=dict)


def replay(
    bundle: Bundle,
    trust: Trust,
    *,
    jobs: int = 0,
    roots_at: frozenset[int] = frozenset(),
    progress: Progress = lambda done, total: None,
) -> Replay:
    """Replay a published log; `roots_at` names earlier sizes whose roots the caller wants to compare.

    Raises: Unreadable for files that are missing or too large; Malformed, BadSignature, Unproven for the checkpoint.
    """
    checkpoint = open_checkpoint(
        bundle.checkpoint(), log=trust.log_vkey, origin=trust.origin, witnesses=trust.witness_vkeys
    )
    if checkpoint.size == 0:
        raise Unreadable("empty_log", "the log is empty: it has no Programme yet")
    fold = _Fold(bundle, trust, checkpoint, roots_at)
    for one in _checked(bundle, checkpoint.size, jobs or os.cpu_count() or 1):
        if not fold.take(one):
            return fold.result
        progress(fold.result.entries, checkpoint.size)
    fold.finish()
    return fold.result


def _checked(bundle: Bundle, size: int, jobs: int) -> Iterator[CheckedBundle]:
    """Every bundle, read and checked by the pool, in order."""
    work = bundles_of(size)
    if jobs == 1 or size <= TILE_WIDTH:
        for index, width in work:
            yield check_bundle(bundle.entries(index, width), index=index, width=width)
        return
    with ProcessPoolExecutor(jobs, initializer=_open_in_pool, initargs=(bundle.path,)) as pool:
        waiting = deque(pool.submit(_check_in_pool, *one) for one in islice(work, AHEAD_MAX))
        while waiting:
            done = waiting.popleft().result()
            waiting.extend(pool.submit(_check_in_pool, *one) for one in islice(work, 1))
            yield done


# A process of the pool reads for itself: an entry's bytes never cross from one process to another.
_in_pool: list[Bundle] = []


def _open_in_pool(path: Path) -> None:
    _in_pool[:] = [Bundle(path)]


def _check_in_pool(index: int, width: int) -> CheckedBundle:
    return check_bundle(_in_pool[0].entries(index, width), index=index, width=width)


class _Fold:
    """The sequential part: chain, clock, rules, tree."""

    def __init__(self, bundle: Bundle, trust: Trust, checkpoint: VerifiedCheckpoint, roots_at: frozenset[int]) -> None:
        self._bundle, self._trust, self._roots_at = bundle, trust, roots_at
        self._builder = TreeBuilder()
        self._previous = NO_PREVIOUS
        self._recorded_at_ms = 0
        state = AuditState(trusted=trust.recognised, root=self._root)
        self.result = Replay(checkpoint, state)

    def take(self, checked: CheckedBundle) -> bool:
        """Fold one bundle; false when something is wrong and the audit ends."""
        if checked.entries and checked.previous != self._previous:
            return self._stop(checked.first, "broken_chain", f"previous is {checked.previous.hex()}")
        leaves: list[bytes] = []
        for at, entry in enumerate(checked.entries, start=checked.first):
            problem = self._decide(entry, at)
            if problem is not None:
                return self._stop(at, *problem)
            leaves.append(entry.leaf)
            if at + 1 in self._roots_at:
                self._grow(leaves)
                leaves = []
                self.result.roots[at + 1] = self._builder.root()
        touched = self._grow(leaves)
        if checked.entries:
            self._previous = checked.entries[-1].leaf
        if checked.problem is not None:
            self.result.unsupported = checked.unsupported
            return self._stop(checked.problem.index, checked.problem.code, checked.problem.message)
        return self._compare(touched)

    def _decide(self, entry: CheckedEntry, index: int) -> tuple[str, str] | None:
        if entry.recorded_at_ms < self._recorded_at_ms:
            return "clock_backwards", "it is recorded before the entry before it"
        self._recorded_at_ms = entry.recorded_at_ms
        state, statement = self.result.state, entry.statement
        try:
            decision = decide(state, Position(index, entry.recorded_at_ms, entry.leaf.hex()), statement)
            if isinstance(statement.subject, Programme):
                self._require_trusted(statement.subject, entry.leaf, index)
        except Unsupported as error:
            self.result.unsupported = True
            return error.code, error.message
        except LedgerError as error:
            return error.code, error.message
        state.apply(decision)
        self.result.entries = index + 1
        self.result.signatures += len(statement.signers)
        self.result.kinds[statement.kind] = self.result.kinds.get(statement.kind, 0) + 1
        return None

    def _require_trusted(self, programme: Programme, leaf: bytes, index: int) -> None:
        """The log that the auditor trusts is this one, by its first entry and its key (never by its own word)."""
        if index == 0 and leaf.hex() != self._trust.genesis:
            raise Malformed("other_genesis", f"entry 0 is {leaf.hex()}, the trust file names {self._trust.genesis}")
        if Vkey.parse(programme.log_keys[-1].vkey) != self._trust.log_vkey:
            raise Malformed("other_log_key", "the Programme names another log key than the trust file")

    def _grow(self, leaves: list[bytes]) -> list[TileData]:
        return self._builder.extend(leaves) if leaves else []

    def _compare(self, touched: list[TileData]) -> bool:
        """Each full tile as it fills; the partial ones are compared at the end."""
        for one in touched:
            if one.tile.width == 256 and self._bundle.tile(one.tile) != one.hashes:
                first = one.tile.index * 256 ** (one.tile.level + 1)
                return self._stop(first, "tile_differs", f"{one.tile.path} is not what the entries give")
        return True

    def finish(self) -> None:
        """The right edge, and the root that was signed."""
        checkpoint = self.result.checkpoint
        for level, tail in enumerate(self._builder.tails):
            if tail:
                index = (self._builder.size >> (8 * level)) // 256
                tile = Tile(level, index, len(tail))
                if self._bundle.tile(tile) != b"".join(tail):
                    self._stop(index * 256 ** (level + 1), "tile_differs", f"{tile.path} is not what the entries give")
                    return
        if self._builder.root() != checkpoint.root:
            computed = self._builder.root().hex()
            message = f"the entries give the root {computed}, {checkpoint.root.hex()} is signed"
            self._stop(checkpoint.size - 1, "root_differs", message)
        elif self.result.state.get(ProgrammeRecord, "programme") is None:
            self._stop(0, "no_programme", "entry 0 is no Programme")

    def _root(self, size: int) -> bytes | None:
        """Root at an earlier size, from published tiles that were compared on the way."""
        try:
            reader = TileReader(lambda tiles: [self._bundle.tile(tile) for tile in tiles], self.result.checkpoint.size)
            return root_at(size, reader)
        except LedgerError:
            return None

    def _stop(self, index: int, code: str, message: str) -> bool:
        self.result.problem = Problem(index, code, message)
        return False
