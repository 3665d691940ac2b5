"""What a batch will write: pure, from the head, the statements and one reading of the clock.

Source: DESIGN 4.2, 5.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Protocol

from msgspec import Struct

from ledger.core.entry import NO_PREVIOUS, Entry, encode_entry
from ledger.core.hashing import leaf_hash
from ledger.core.tiles import TileData, TreeBuilder
from ledger.domain.records import StatementRecord
from ledger.domain.rules import decide
from ledger.domain.totals import Decision
from ledger.domain.view import Position, StateView
from ledger.errors import LedgerError, Unavailable
from ledger.sequencer.checking import Checked, Verdict


class Accepted(Struct, frozen=True, gc=False):
    """A statement that became an entry, now or earlier."""

    index: int
    leaf: bytes
    new: bool


Outcome = Accepted | LedgerError
# What the batch at hand recorded so far, by statement id, with the statement's bytes.
_Mine = dict[str, tuple[Accepted, bytes]]


class WritableView(StateView, Protocol):
    """A state that takes over decisions as they are made."""

    def apply(self, decision: Decision, *, index: int) -> None:
        """Take over what one accepted statement changes."""


class Plan(Struct):
    """Entries in order, the tiles they touch, the head they lead to, and what became of each statement."""

    first: int
    entries: list[bytes]
    leaves: list[bytes]
    tiles: list[TileData]
    root: bytes
    recorded_at_ms: int
    outcomes: list[Outcome]

    @property
    def size(self) -> int:
        """Size of the log after the batch."""
        return self.first + len(self.entries)


def make_plan(
    checked: Sequence[Verdict],
    *,
    view: WritableView,
    builder: TreeBuilder,
    previous: bytes,
    head_recorded_at_ms: int,
    now_ms: int,
    stored: Sequence[bytes | None],
) -> Plan:
    """Decide each statement on the state that the ones before it left; refusals take no index.

    `stored[i]` holds the statement bytes recorded under the id of `checked[i]`, if any.
    Raises: Unavailable `clock_backwards`, `memory_damaged`.
    """
    if now_ms < head_recorded_at_ms:
        behind = head_recorded_at_ms - now_ms
        raise Unavailable("clock_backwards", f"the clock is {behind} ms behind the last entry", behind_ms=behind)
    plan = Plan(builder.size, [], [], [], b"", now_ms, [])
    mine: _Mine = {}
    previous = previous if builder.size else NO_PREVIOUS
    for one, earlier in zip(checked, stored, strict=True):
        if isinstance(one, LedgerError):
            plan.outcomes.append(one)
            continue
        known = _known(view, one, earlier, mine)
        if known is not None:
            plan.outcomes.append(known)
            continue
        index = plan.size
        entry = encode_entry(Entry(index, previous, now_ms, one.raw))
        leaf = leaf_hash(entry)
        # The bytes that are hashed must be those whose signature was checked (THREATS R3).
        if sha256(entry[-2 - len(one.raw) : -2]).digest() != one.digest:
            raise Unavailable("memory_damaged", "a statement changed in memory after its signature was checked")
        try:
            decision = decide(view, Position(index, now_ms, leaf.hex()), one.statement)
        except LedgerError as error:
            plan.outcomes.append(error)
            continue
        view.apply(decision, index=index)
        plan.entries.append(entry)
        plan.leaves.append(leaf)
        plan.outcomes.append(accepted := Accepted(index, leaf, new=True))
        mine[one.statement.id] = (accepted, one.raw)
        previous = leaf
    if plan.leaves:
        plan.tiles = builder.extend(plan.leaves)
    plan.root = builder.root()
    return plan


def _known(view: StateView, one: Checked, earlier: bytes | None, mine: _Mine) -> Accepted | None:
    """The entry that these very bytes already are; an id with other bytes is left to the rules, which refuse it."""
    in_batch = mine.get(one.statement.id)
    if in_batch is not None:
        first, raw = in_batch
        return Accepted(first.index, first.leaf, new=False) if raw == one.raw else None
    if earlier is None or earlier != one.raw:
        return None
    record = view.get(StatementRecord, one.statement.id)
    return None if record is None else Accepted(record.index, bytes.fromhex(record.entry_hash), new=False)
