"""What a rule may ask of the state, and nothing else.

The server answers from SQL, the offline auditor from a bounded spool, a
certificate's check from memory; the rule book cannot tell them apart.

Source: DESIGN 3, LAYOUT.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from msgspec import Struct

from ledger.domain.period import Period
from ledger.domain.records import AccreditationRecord, CountedRecord, Record
from ledger.domain.totals import CellSum, Dimension

R = TypeVar("R", bound=Record)


class Position(Struct, frozen=True, gc=False):
    """Where in the log a statement is decided.

    Units: `recorded_at_ms` milliseconds since 1970 (UTC), the writer's clock;
        `entry_hash` the hex leaf hash of the entry.
    """

    index: int
    recorded_at_ms: int
    entry_hash: str


class StateView(Protocol):
    """The state before the entry that is being decided."""

    def get(self, shape: type[R], *identity: str | int) -> R | None:
        """The record of this type with this identity."""

    def accreditations_of(self, verifier: str) -> Sequence[AccreditationRecord]:
        """Every grant ever made to a verifier, by index."""

    def overlapping(self, *, uri: str, period: Period, ignoring: str | None) -> CountedRecord | None:
        """A live claim's hold on `uri` that shares a day with `period`, other than the claim `ignoring`."""

    def cells(self, *, dimension: Dimension, value: str) -> Sequence[CellSum]:
        """The sums of one dimension's value."""

    def root(self, size: int) -> bytes | None:
        """Root of the log's tree when it had `size` entries; None where this view cannot know it."""
